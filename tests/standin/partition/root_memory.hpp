// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/memory/memory_map.hpp"
#include "tests/standin/memory/nested_table.hpp"

#include <span>

/// Which of the root's memory is the root's: its pages leave it by being deposited and come back by
/// being withdrawn. With `strict` they leave its nested table, too, so that whoever still uses one
/// is found out. Thread-safe; a partition's lock may be held.
namespace mshv::standin::root_memory {

/// What `ranges` calls usable is the root's, by its nested table. Once, before the root runs.
void start(NestedTable& root_table, std::span<const MemoryRange> ranges, bool strict);

/// False when the page is not the root's to give. Takes effect for all processors by settle().
bool leave(PhysicalAddress page);
/// Waits until no processor can reach any longer what has left. May take as long as it takes others
/// to leave their guests.
void settle();
void come_back(PhysicalAddress page);

/// Whether this address is out of the root's reach because it has given it away.
bool has_left(GuestPhysicalAddress gpa);

/// A page that has left and that the root may nevertheless read from now on, and until when.
void show(PhysicalAddress page);
void hide(PhysicalAddress page);

} // namespace mshv::standin::root_memory
