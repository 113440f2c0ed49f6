// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/partition/partition.hpp"

/// Ports of the root, each in a page's share of its pool, to which doorbells of its children are
/// connected. Source: TLFS, "Ports and Connections". Thread-safe.
namespace mshv::standin::ports {

struct Port {
    u32 id = 0;
    u32 sint = 0;
    u32 vp = 0; ///< or any
    u64 child = 0;
};
constexpr u32 any_vp = 0xFFFFFFFF;

/// `insufficient_memory` when a page is needed: give() it then.
Status create(const Port& port);
void give(void* page);
Status remove(u32 id);
/// A page in which no port is left, which goes back; null when there is none.
void* take_empty_page();
bool find(u32 id, Port& port);

/// Rings it, on this processor if any will do. `owner`: the partition whose port it is.
void ring(Partition& owner, u32 id);

} // namespace mshv::standin::ports
