// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"

namespace mshv::standin {

/// The one physical timer of each logical processor, which is the hypervisor's and counts down to
/// the first of all that is to happen there. Only a processor itself sets what happens on it.
namespace lp_timers {

/// `never` takes the timer out.
void set(Lp& lp, Timer& timer, u64 deadline);
/// Takes it out, from any processor. It may be expiring at this moment.
void cancel(Lp& lp, Timer& timer);

/// True when the interrupt taken last was the hypervisor's own, which is ended then: a letter has
/// come, or something is due, which is done.
bool end_own_interrupt(Lp& lp);

/// Programs the timer anew, after something else had its registers.
void restore(Lp& lp);

} // namespace lp_timers

} // namespace mshv::standin
