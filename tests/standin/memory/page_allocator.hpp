// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// A zeroed page of the hypervisor's own memory, for what lives as long as the machine: page tables,
/// control blocks, the pages that it provides to the root. Thread-safe. What belongs to a child comes
/// from the pages that were deposited for it, never from here. Panics when there is none left.
void* allocate_page();

/// `count` zeroed words, for as long as the machine lives.
u64* allocate_words(u64 count);

/// Gives the allocator its memory: [begin, end), which nobody else uses. Once.
void give_pages(PhysicalAddress begin, PhysicalAddress end);

} // namespace mshv::standin
