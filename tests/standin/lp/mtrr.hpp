// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mshv::standin::mtrr {

/// Keeps how the firmware set this processor's memory types; once, on the first one.
void save();
/// Sets this processor as the first one is: firmware does that for all, but the start of a processor by
/// somebody else than it takes it back.
void load();

} // namespace mshv::standin::mtrr
