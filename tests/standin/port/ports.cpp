// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/port/ports.hpp"

#include "tests/standin/partition/synic_delivery.hpp"

namespace mshv::standin::ports {
namespace {

constexpr u32 most = 160;
struct Page {
    Page* next;
    Port entries[most]; ///< free when its id is 0
};
static_assert(sizeof(Page) <= page_size);

Spinlock lock;
Page* first = nullptr;

/// The port, or with 0 a free place; null when there is none.
Port* place_of(u32 id) {
    for (Page* page = first; page != nullptr; page = page->next) {
        for (Port& one : page->entries) {
            if (one.id == id) {
                return &one;
            }
        }
    }
    return nullptr;
}

} // namespace

Status create(const Port& port) {
    const Guard guard(lock);
    if (port.id == 0 || place_of(port.id) != nullptr) {
        return Status::invalid_port_id;
    }
    Port* const place = place_of(0);
    if (place == nullptr) {
        return Status::insufficient_memory;
    }
    *place = port;
    return Status::success;
}

void give(void* page) {
    const Guard guard(lock);
    auto* const fresh = static_cast<Page*>(page);
    fresh->next = first;
    first = fresh;
}

Status remove(u32 id) {
    const Guard guard(lock);
    Port* const place = id == 0 ? nullptr : place_of(id);
    if (place == nullptr) {
        return Status::invalid_port_id;
    }
    *place = {};
    return Status::success;
}

void* take_empty_page() {
    const Guard guard(lock);
    for (Page** link = &first; *link != nullptr; link = &(*link)->next) {
        bool empty = true;
        for (const Port& one : (*link)->entries) {
            empty = empty && one.id == 0;
        }
        if (empty) {
            Page* const page = *link;
            *link = page->next;
            return page;
        }
    }
    return nullptr;
}

bool find(u32 id, Port& port) {
    const Guard guard(lock);
    const Port* const place = id == 0 ? nullptr : place_of(id);
    if (place != nullptr) {
        port = *place;
    }
    return place != nullptr;
}

void ring(Partition& owner, u32 id) {
    Port port;
    if (!find(id, port)) {
        return;
    }
    const u32 vp = port.vp == any_vp ? this_lp().index : port.vp;
    if (vp < max_vps && owner.vps[vp] != nullptr) {
        (void)synic::ring_doorbell(owner, vp, port.sint, id);
    }
}

} // namespace mshv::standin::ports
