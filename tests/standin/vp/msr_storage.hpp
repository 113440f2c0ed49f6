// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/vp_context.hpp"

/// MSRs of a VP that only remember what they were given. Source: AMD64 APM volume 2, appendix A,
/// and Intel SDM volume 4 for those that Linux looks for everywhere.
namespace mshv::standin::msr_storage {

constexpr u32 tsc_adjust = 0x3B;

/// The place of one; null when it is none of them.
u64* find(VirtualMsrs& msrs, u32 number);
bool read(VirtualMsrs& msrs, u32 number, u64& value);
bool write(VirtualMsrs& msrs, u32 number, u64 value);

} // namespace mshv::standin::msr_storage
