// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

#include <string_view>

namespace mshv::standin {

/// A number to be written in hexadecimal, with 0x.
struct Hex {
    u64 value;
};

/// A line of text of bounded length; what does not fit is cut off.
class Line {
public:
    Line& operator<<(std::string_view text);
    Line& operator<<(const char* text) { return *this << std::string_view(text); }
    Line& operator<<(u64 number);
    Line& operator<<(u32 number) { return *this << u64{number}; }
    Line& operator<<(int number);
    Line& operator<<(Hex number);
    Line& operator<<(char letter);

    [[nodiscard]] std::string_view text() const { return {text_, length_}; }

private:
    char text_[240];
    std::size_t length_ = 0;
};

/// Takes the next word off `rest`: what stands up to a space. Empty at the end.
std::string_view next_word(std::string_view& rest);

/// Decimal, or hexadecimal behind 0x. False when it is no number of 64 bits.
bool parse_number(std::string_view text, u64& number);

} // namespace mshv::standin
