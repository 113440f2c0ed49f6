// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mshv::vmm {

/// How a client wants to be attached to a console.
struct ConsoleRequest {
    bool write = false;                  ///< wants to be the writer
    bool steal = false;                  ///< take it from the present one
    bool raw = false;                    ///< bytes without frames
    std::optional<std::uint64_t> replay; ///< bytes of scrollback; empty = all that the ring has
    std::optional<std::uint64_t> since;  ///< stream offset to resume from, instead of `replay`
    std::string who;                     ///< shown to others, e.g. "uid 1000 pid 4711"
    std::string early;                   ///< bytes that the client sent behind the HTTP header
};

} // namespace mshv::vmm
