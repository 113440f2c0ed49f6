// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"

/// Keeps all other processors that run a guest from doing anything, for a moment.
namespace mshv::standin::hold {

/// Returns when they all wait. One holder at a time; no lock may be held.
void begin(Lp& self);
void end();

/// Whether somebody waits for the others.
bool is_on();

/// Waits here while another one holds. Called by every processor before it enters its guest.
void pass(Lp& self);

} // namespace mshv::standin::hold
