// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/child/cpuid_results.hpp"

namespace mshv::standin {
namespace {

bool same_place(const RegisteredCpuid& a, const RegisteredCpuid& b) {
    return a.vp == b.vp && a.leaf == b.leaf && a.any_subleaf == b.any_subleaf &&
           (a.any_subleaf || a.subleaf == b.subleaf);
}

void mix(u32& value, u32 wanted, u32 mask) {
    value = (value & ~mask) | (wanted & mask);
}

} // namespace

void CpuidResults::give(void* page) {
    auto* const fresh = static_cast<Page*>(page);
    if (last_ == nullptr) {
        __atomic_store_n(&first_, fresh, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(&last_->next, fresh, __ATOMIC_RELEASE);
    }
    last_ = fresh;
}

void CpuidResults::add(const RegisteredCpuid& result) {
    for (Page* page = first_; page != nullptr; page = page->next) {
        for (u32 i = 0; i < page->count; ++i) {
            if (same_place(page->entries[i], result)) {
                page->entries[i] = result;
                return;
            }
        }
    }
    last_->entries[last_->count] = result;
    __atomic_store_n(&last_->count, last_->count + 1, __ATOMIC_RELEASE);
}

void CpuidResults::apply(u32 vp, u32 leaf, u32 subleaf, CpuidValues& values) const {
    const Page* page = __atomic_load_n(&first_, __ATOMIC_ACQUIRE);
    for (; page != nullptr; page = __atomic_load_n(&page->next, __ATOMIC_ACQUIRE)) {
        const u32 count = __atomic_load_n(&page->count, __ATOMIC_ACQUIRE);
        for (u32 i = 0; i < count; ++i) {
            const RegisteredCpuid& one = page->entries[i];
            if ((one.vp != vp && one.vp != every_vp) || one.leaf != leaf ||
                (!one.any_subleaf && one.subleaf != subleaf)) {
                continue;
            }
            mix(values.eax, one.values.eax, one.masks.eax);
            mix(values.ebx, one.values.ebx, one.masks.ebx);
            mix(values.ecx, one.values.ecx, one.masks.ecx);
            mix(values.edx, one.values.edx, one.masks.edx);
        }
    }
}

void* CpuidResults::take_page() {
    Page* const page = first_;
    if (page != nullptr) {
        first_ = page->next;
        last_ = first_ == nullptr ? nullptr : last_;
    }
    return page;
}

} // namespace mshv::standin
