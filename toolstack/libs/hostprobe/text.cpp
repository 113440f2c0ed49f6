// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/text.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace mshv::hostprobe {

std::string read_text(const std::string& path) {
    try {
        return posix::read_file(path, 4UL * 1024 * 1024);
    } catch (const std::system_error&) {
        return {};
    }
}

std::string read_line(const std::string& path) {
    std::string text = read_text(path);
    text.resize(std::min(text.size(), text.find('\n')));
    return text;
}

std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    return line;
}

std::optional<std::int64_t> number_of(std::string_view word) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    const bool whole = error == std::errc{} && end == word.data() + word.size() && value >= 0;
    return whole ? std::optional(value) : std::nullopt;
}

std::uint64_t number_behind(std::string_view text, std::string_view key) {
    const auto at = text.find(std::string(key) + ":");
    const auto digits = at == text.npos ? at : text.find_first_of("0123456789", at + key.size());
    std::uint64_t value = 0;
    if (digits != text.npos) {
        std::from_chars(text.data() + digits, text.data() + text.size(), value);
    }
    return value;
}

} // namespace mshv::hostprobe
