// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// What a child's VP is interrupted by when it is entered. By the processor that runs it.
namespace mshv::standin::injection {

/// Whether something has come that ends HLT, or the wait for a start-up interrupt.
[[nodiscard]] bool wakes(const ChildVp& vp);

/// Does what INIT and start-up interrupts do.
void take_init_and_startup(ChildVp& vp);

/// Puts up what is to be delivered as soon as it can be. One of the next two follows.
void prepare(ChildVp& vp);

/// The VP is not entered after all.
void withdraw(ChildVp& vp);

/// After an exit: what of that was not delivered after all is put up again.
void recover(ChildVp& vp);

/// The guest has executed IRET.
void on_iret(ChildVp& vp);

} // namespace mshv::standin::injection
