// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

namespace mshv::domain {

// Is what a guest has there the same device still? A cable that was plugged in or pulled makes no
// other interface of it.

inline bool is_same(const api::Disk& a, const api::Disk& b) {
    return a == b;
}

inline bool is_same(const api::Nic& a, api::Nic b) {
    b.link_up = a.link_up;
    return a == b;
}

} // namespace mshv::domain
