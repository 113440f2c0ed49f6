// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_exits.hpp"

/// The root schedules its children's VPs: it dispatches one on a processor of its own and gets that
/// back when the VP cannot go on, or when the root itself is wanted. A VP that was found blocked is
/// reported to the root as soon as it is not, by a message at SINT0. Source: how Linux,
/// drivers/hv/mshv_root_main.c, uses HvCallDispatchVp; what is beyond that is inferred.
namespace mshv::standin::scheduling {

/// Something has come for the VP: bits of request. From any processor; no lock is needed, and the
/// VP's own may be held.
void notify(ChildVp& vp, u32 what);

enum class State : u32 { blocked = 1, ready = 2 };
enum class Event : u32 { none = 0, suspend = 1, intercept = 2 };
struct Dispatched {
    Status status = Status::success;
    State state = State::ready;
    Event event = Event::none;
};
constexpr u32 clear_intercept_suspend = 1U << 0;

/// Runs the VP here until one of the above. The root's VP of this processor stands in its call
/// meanwhile.
Dispatched dispatch(Lp& lp, ChildVp& vp, u32 flags, OnCall on_call);

/// The same for one whose lock is held and that is not suspended, whoever has decided it.
Dispatched run_here(Lp& lp, ChildVp& vp, OnCall on_call);

/// A message to the root of what has become of the VP: it can go on, or, where the hypervisor
/// schedules, it is intercepted. One that finds no room is sent later.
void tell_root(ChildVp& vp);

/// Makes these VPs of the partition, one bit each, forget what they remember of translations before
/// they run on.
void flush(const ChildPartition& partition, u64 vps);

/// Once more those of which the root could not be told: it has taken a message since.
void retry_signals();

// What the root says of a VP's suspension, whose lock is held.
void set_intercept_suspend(ChildVp& vp, bool suspended);
void set_explicit_suspend(ChildVp& vp, bool suspended);
void set_dispatch_suspend(ChildVp& vp, bool suspended);

} // namespace mshv::standin::scheduling
