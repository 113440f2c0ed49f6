// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// Sets of VPs as calls name them. Source: TLFS, "Virtual Processor Sets". Pure; also compiled for the
// host, where it is tested.

namespace mshv::standin::hypercall {

constexpr u64 sparse_set = 0;
constexpr u64 set_of_all = 1;

/// The first 64 VPs of a set { u64 format, u64 mask of banks, u64 bank… }, of which `banks` are given:
/// there are no more VPs. False when it is no set.
constexpr bool first_vps(u64 format, u64 bank_mask, const u8* contents, u32 banks, u64& vps) {
    vps = 0;
    if (format == set_of_all) {
        vps = ~0ULL;
        return true;
    }
    u32 named = 0;
    for (u64 rest = bank_mask; rest != 0; rest &= rest - 1) {
        ++named;
    }
    if (format != sparse_set || named != banks) {
        return false;
    }
    if ((bank_mask & 1) != 0) {
        for (u32 i = 0; i < 8; ++i) {
            vps |= u64{contents[i]} << (8 * i);
        }
    }
    return true;
}

} // namespace mshv::standin::hypercall
