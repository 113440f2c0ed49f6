// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/memory/page_allocator.hpp"

#include "tests/standin/freestanding/spinlock.hpp"
#include "tests/standin/console/log.hpp"

namespace mshv::standin {
namespace {

Spinlock lock;
PhysicalAddress next = 0;
PhysicalAddress end_of_pages = 0;

} // namespace

void give_pages(PhysicalAddress begin, PhysicalAddress end) {
    const Guard guard(lock);
    next = begin;
    end_of_pages = end;
}

void* allocate_page() {
    PhysicalAddress page = 0;
    {
        const Guard guard(lock);
        if (next >= end_of_pages) {
            panic("the hypervisor's own memory is used up");
        }
        page = next;
        next += page_size;
    }
    __builtin_memset(at<u8>(page), 0, page_size);
    return at<void>(page);
}

} // namespace mshv::standin
