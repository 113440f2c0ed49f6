// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace mshv::vmm {

/// How it goes with a guest's state on its way to or from a file. It goes on in the VMM, whoever
/// looks on.
struct Transfer {
    enum class State { none, active, completed, failed, cancelled };
    State state = State::none;
    std::int64_t done = 0, total = 0; ///< bytes; 0 where the VMM does not tell
    std::int64_t passes = 0;          ///< over the memory of a guest that runs meanwhile
    std::string why;                  ///< it failed
};

} // namespace mshv::vmm
