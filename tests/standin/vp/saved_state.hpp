// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// State of a VP that goes as a whole. Source: Linux, include/hyperv/hvhdk.h, enum
/// hv_get_set_vp_state_type. The VP's lock is held and its extended state in its context.
namespace mshv::standin::saved_state {

constexpr u32 inline_size = 200;
constexpr bool is_by_page(u32 type) {
    return (type >> 31) != 0;
}

/// `to`: a page, or for a type that is not by page `inline_size` bytes.
Status save(ChildVp& vp, u32 type, u8* to);
Status restore(ChildVp& vp, u32 type, const u8* from);

} // namespace mshv::standin::saved_state
