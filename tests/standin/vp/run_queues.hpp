// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// The hypervisor's own scheduler: each logical processor runs the root's VP and, by turns, the
/// children's VPs that are queued there. A VP that is suspended by an intercept is reported to the
/// root by a message at SINT0, which says no more than which VP it is. Source: how Linux,
/// drivers/hv/mshv, uses the suspend registers; what is beyond that is inferred.
namespace mshv::standin::run_queues {

/// Once, before any VP runs.
void start();
/// False: the root schedules, and none of what follows is in use.
[[nodiscard]] bool are_in_use();

// ---- from any processor ----

/// It can go on, for all that is known: it is queued unless it is already, or is being deleted.
void add(ChildVp& vp);
/// A reason why it was suspended is gone. Its lock is held.
void resume(ChildVp& vp);
/// It is being deleted: it is not queued when this returns, nor will be.
void forget(ChildVp& vp);

/// Its lock is held.
[[nodiscard]] bool is_suspended(const ChildVp& vp);

// ---- a processor's own ----

[[nodiscard]] bool is_empty(const Lp& lp);
/// Null when nobody waits.
ChildVp* take(const Lp& lp);
/// Its turn is over, and it can go on: before the others or behind them. Its lock is held.
void put_back(const Lp& lp, ChildVp& vp, bool first);
/// VPs are queued here, or not any more: those that are here move.
void open(const Lp& lp);
void close(const Lp& lp);

} // namespace mshv::standin::run_queues
