// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/partition/partition.hpp"

namespace mshv::standin {

/// The root's timers on one processor: of its local APIC the registers that are not the machine's,
/// since the physical timer is the hypervisor's, and the synthetic ones of its VP. Both interrupt
/// by the physical APIC, whose in-service bit the root clears.
void make_root_timers(const Lp& lp, Vp& vp);

/// None is armed any more, as after INIT.
void reset_root_timers(Lp& lp);

bool is_root_timer_register(u32 where);
u32 read_root_timer(Lp& lp, u32 where);
void write_root_timer(Lp& lp, u32 where, u32 value);
/// What switching the APIC off does.
void mask_root_timer(Lp& lp);

} // namespace mshv::standin
