// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/port/connections.hpp"

namespace mshv::standin {

Connections::Added Connections::add(const Doorbell& doorbell) {
    const Guard guard(lock_);
    Doorbell* place = nullptr;
    for (Page* page = first_; page != nullptr; page = page->next) {
        for (Doorbell& one : page->entries) {
            if (one.port == 0) {
                place = place == nullptr ? &one : place;
            } else if (one.connection == doorbell.connection) {
                return Added::exists;
            }
        }
    }
    if (place == nullptr) {
        return Added::no_room;
    }
    *place = doorbell;
    return Added::yes;
}

bool Connections::remove(u32 connection) {
    const Guard guard(lock_);
    for (Page* page = first_; page != nullptr; page = page->next) {
        for (Doorbell& one : page->entries) {
            if (one.port != 0 && one.connection == connection) {
                one = {};
                return true;
            }
        }
    }
    return false;
}

void Connections::clear() {
    const Guard guard(lock_);
    for (Page* page = first_; page != nullptr; page = page->next) {
        for (Doorbell& one : page->entries) {
            one = {};
        }
    }
}

u32 Connections::find(u64 gpa, u32 size, u64 value) const {
    const Guard guard(lock_);
    for (const Page* page = first_; page != nullptr; page = page->next) {
        for (const Doorbell& one : page->entries) {
            if (one.port != 0 && one.matches(gpa, size, value)) {
                return one.port;
            }
        }
    }
    return 0;
}

bool Connections::covers(u64 gpa) const {
    const Guard guard(lock_);
    for (const Page* page = first_; page != nullptr; page = page->next) {
        for (const Doorbell& one : page->entries) {
            if (one.port != 0 && one.gpa == gpa) {
                return true;
            }
        }
    }
    return false;
}

void Connections::give(void* page) {
    const Guard guard(lock_);
    auto* const fresh = static_cast<Page*>(page);
    fresh->next = first_;
    first_ = fresh;
}

void* Connections::take_page() {
    const Guard guard(lock_);
    Page* const page = first_;
    first_ = page == nullptr ? nullptr : page->next;
    return page;
}

} // namespace mshv::standin
