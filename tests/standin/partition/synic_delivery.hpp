// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/partition/partition.hpp"
#include "tests/standin/synic/synic.hpp"

/// What reaches a VP through its synthetic interrupt controller, from any processor. `vp` is less
/// than max_vps, `sint` less than sint_count.
namespace mshv::standin::synic {

Posted post(Partition& partition, u32 vp, u32 sint, const Message& message);
bool signal_event(Partition& partition, u32 vp, u32 sint, u32 flag);
bool ring_doorbell(Partition& partition, u32 vp, u32 sint, u32 port);
void on_ring_empty(Partition& partition, u32 vp, u32 sint);

/// A register of the controller, as the VP writes it. False: #GP.
bool write_register(Partition& partition, u32 vp, u32 number, u64 value);

} // namespace mshv::standin::synic
