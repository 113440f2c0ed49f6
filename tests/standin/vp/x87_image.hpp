// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

#include <span>

namespace mshv::standin {

/// Whether the x87 unit's part of an XSAVE area is what FNINIT and zeroed registers leave. MXCSR stands in
/// the midst and is another's. Source: AMD64 APM volume 2, §11.5.
constexpr bool is_initial_x87(std::span<const u8, 160> image) {
    constexpr u8 control_word[2] = {0x7F, 0x03};
    constexpr std::size_t mxcsr_begin = 24;
    constexpr std::size_t mxcsr_end = 32;
    for (std::size_t i = 0; i < image.size(); ++i) {
        const u8 initial = i < sizeof(control_word) ? control_word[i] : u8{0};
        if ((i < mxcsr_begin || i >= mxcsr_end) && image[i] != initial) {
            return false;
        }
    }
    return true;
}

} // namespace mshv::standin
