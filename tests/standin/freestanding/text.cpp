// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/freestanding/text.hpp"

namespace mshv::standin {

Line& Line::operator<<(char letter) {
    if (length_ < sizeof(text_)) {
        text_[length_++] = letter;
    }
    return *this;
}

Line& Line::operator<<(std::string_view text) {
    for (const char letter : text) {
        *this << letter;
    }
    return *this;
}

Line& Line::operator<<(u64 number) {
    char digits[20];
    std::size_t count = 0;
    do {
        digits[count++] = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (count > 0) {
        *this << digits[--count];
    }
    return *this;
}

Line& Line::operator<<(int number) {
    if (number < 0) {
        *this << '-';
    }
    return *this << static_cast<u64>(number < 0 ? -static_cast<std::int64_t>(number) : number);
}

Line& Line::operator<<(Hex number) {
    *this << "0x";
    bool begun = false;
    for (int shift = 60; shift >= 0; shift -= 4) {
        const auto digit = static_cast<unsigned>(number.value >> shift) & 0xF;
        begun = begun || digit != 0 || shift == 0;
        if (begun) {
            *this << "0123456789abcdef"[digit];
        }
    }
    return *this;
}

std::string_view next_word(std::string_view& rest) {
    while (!rest.empty() && rest.front() == ' ') {
        rest.remove_prefix(1);
    }
    std::size_t length = 0;
    while (length < rest.size() && rest[length] != ' ') {
        ++length;
    }
    const std::string_view word = rest.substr(0, length);
    rest.remove_prefix(length);
    return word;
}

bool parse_number(std::string_view text, u64& number) {
    u64 base = 10;
    if (text.size() > 2 && text[0] == '0' && text[1] == 'x') {
        base = 16;
        text.remove_prefix(2);
    }
    u64 result = 0;
    for (const char letter : text) {
        u64 digit = 99;
        if (letter >= '0' && letter <= '9') {
            digit = static_cast<u64>(letter - '0');
        } else if (letter >= 'a' && letter <= 'f') {
            digit = static_cast<u64>(letter - 'a') + 10;
        }
        if (digit >= base || __builtin_mul_overflow(result, base, &result) ||
            __builtin_add_overflow(result, digit, &result)) {
            return false;
        }
    }
    number = result;
    return !text.empty();
}

} // namespace mshv::standin
