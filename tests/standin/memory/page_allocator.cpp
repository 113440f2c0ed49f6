// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/memory/page_allocator.hpp"

#include "tests/standin/freestanding/spinlock.hpp"
#include "tests/standin/console/log.hpp"

namespace mshv::standin {
namespace {

Spinlock lock;
PhysicalAddress next = 0;
PhysicalAddress end_of_pages = 0;

PhysicalAddress take(u64 size) {
    const Guard guard(lock);
    if (size > end_of_pages - next) {
        panic("the hypervisor's own memory is used up");
    }
    const PhysicalAddress begin = next;
    next += size;
    return begin;
}

} // namespace

void give_pages(PhysicalAddress begin, PhysicalAddress end) {
    const Guard guard(lock);
    next = begin;
    end_of_pages = end;
}

void* allocate_page() {
    const PhysicalAddress page = take(page_size);
    __builtin_memset(at<u8>(page), 0, page_size);
    return at<void>(page);
}

u64* allocate_words(u64 count) {
    const u64 size = align_up(count * sizeof(u64), page_size);
    const PhysicalAddress begin = take(size);
    __builtin_memset(at<u8>(begin), 0, size);
    return at<u64>(begin);
}

} // namespace mshv::standin
