// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/instruction.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// objdump_lengths MODE < `objdump -d -w` output: decodes the bytes of every line and compares the
// length. Prints "compared N skipped N mismatches N", and the first mismatches in front of it.

namespace {

using namespace mshv::standin;
using Bytes = std::vector<std::uint8_t>;

struct Counts {
    std::uint64_t compared = 0;
    std::uint64_t skipped = 0;
    std::uint64_t mismatches = 0;
};

/// 16 for what is none.
constexpr unsigned hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return static_cast<unsigned>(digit - '0');
    }
    return digit >= 'a' && digit <= 'f' ? static_cast<unsigned>(digit - 'a') + 10 : 16;
}

/// "  401000:\t48 89 e5 \tmov …": the bytes and the text; false for any other line.
bool parse(std::string_view line, Bytes& bytes, std::string_view& text) {
    const auto first = line.find(":\t");
    if (first == std::string_view::npos) {
        return false;
    }
    line.remove_prefix(first + 2);
    const auto second = line.find('\t');
    text = second == std::string_view::npos ? std::string_view() : line.substr(second + 1);
    line = line.substr(0, second);
    bytes.clear();
    while (line.size() >= 2 && line[0] != ' ') {
        const unsigned high = hex_digit(line[0]);
        const unsigned low = hex_digit(line[1]);
        if (high > 15 || low > 15) {
            return false;
        }
        bytes.push_back(static_cast<std::uint8_t>(high << 4U | low));
        line.remove_prefix(line.size() > 2 ? 3 : 2);
    }
    return !bytes.empty();
}

bool is_prefix(std::uint8_t byte, CodeMode mode) {
    constexpr std::array<std::uint8_t, 11> prefixes = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                                       0x66, 0x67, 0xf0, 0xf2, 0xf3};
    for (const std::uint8_t prefix : prefixes) {
        if (byte == prefix) {
            return true;
        }
    }
    return mode == CodeMode::long64 && (byte & 0xf0U) == 0x40;
}

/// objdump shows a prefix that it does not understand on a line of its own.
bool only_prefixes(const Bytes& bytes, CodeMode mode) {
    for (const std::uint8_t byte : bytes) {
        if (!is_prefix(byte, mode)) {
            return false;
        }
    }
    return true;
}

/// #UD by the manuals, which objdump does not say: "rex.R vmaxps …".
bool has_rex_and_vex(const Bytes& bytes, std::string_view text) {
    if (!text.starts_with("rex")) {
        return false;
    }
    std::size_t at = 0;
    while (at < bytes.size() && is_prefix(bytes[at], CodeMode::long64)) {
        ++at;
    }
    return at < bytes.size() && (bytes[at] == 0xc4 || bytes[at] == 0xc5 || bytes[at] == 0x62);
}

/// What objdump itself takes for no instruction; tables between functions look like that.
bool is_data(std::string_view text) {
    if (text.empty() || text.starts_with(".byte")) { // .byte: cut off by the section's end
        return true;
    }
    // It does show MOV to CS, to segment registers that do not exist ("%?"), and the test registers
    // that the Pentium gave up.
    for (const std::string_view sign : {"(bad)", "%?", ",%cs", "%tr"}) {
        if (text.find(sign) != std::string_view::npos) {
            return true;
        }
    }
    return false;
}

/// Whether objdump's line is what the decoder makes of it. FWAIT is an instruction, which objdump
/// shows as part of the x87 instruction behind it.
bool agrees(std::span<const std::uint8_t> bytes, CodeMode mode) {
    for (;;) {
        const DecodeResult result = decode(bytes, mode);
        if (!result.ok()) {
            return false;
        }
        const std::size_t length = result.instruction.length;
        if (length == bytes.size()) {
            return true;
        }
        if (result.instruction.map != OpcodeMap::one_byte || result.instruction.opcode != 0x9b) {
            return false;
        }
        bytes = bytes.subspan(length);
    }
}

void report(const std::string& line, const Bytes& bytes, CodeMode mode) {
    const DecodeResult result = decode(bytes, mode);
    constexpr std::array<const char*, 3> names = {"ok", "truncated", "invalid"};
    std::printf("%s\n    objdump %zu, decoder %s %u\n", line.c_str(), bytes.size(),
                names.at(static_cast<std::size_t>(result.status)),
                unsigned{result.instruction.length});
}

Counts compare(std::istream& in, CodeMode mode) {
    constexpr std::uint64_t most_reported = 40;
    Counts counts;
    std::string line;
    Bytes bytes;
    std::string_view text;
    while (std::getline(in, line)) {
        if (!parse(line, bytes, text)) {
            continue;
        }
        if (is_data(text) || only_prefixes(bytes, mode) || has_rex_and_vex(bytes, text)) {
            ++counts.skipped;
            continue;
        }
        ++counts.compared;
        if (!agrees(bytes, mode) && ++counts.mismatches <= most_reported) {
            report(line, bytes, mode);
        }
    }
    return counts;
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view name = argc == 2 ? argv[1] : "";
    CodeMode mode = CodeMode::long64;
    if (name == "32") {
        mode = CodeMode::protected32;
    } else if (name == "16") {
        mode = CodeMode::protected16;
    } else if (name != "64") {
        std::fputs("usage: objdump_lengths 64|32|16 < objdump's output\n", stderr);
        return 2;
    }
    std::ios::sync_with_stdio(false);
    const Counts counts = compare(std::cin, mode);
    std::printf("compared %llu skipped %llu mismatches %llu\n",
                static_cast<unsigned long long>(counts.compared),
                static_cast<unsigned long long>(counts.skipped),
                static_cast<unsigned long long>(counts.mismatches));
    return counts.mismatches == 0 ? 0 : 1;
}
