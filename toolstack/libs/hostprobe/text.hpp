// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mshv::hostprobe {

/// The file's text, at most 4 MiB; empty when it cannot be read.
std::string read_text(const std::string& path);
/// Its first line, without the end.
std::string read_line(const std::string& path);

/// Takes the first line, without its end, off `text`.
std::string_view take_line(std::string_view& text);

/// A decimal number, and nothing else.
std::optional<std::int64_t> number_of(std::string_view word);

/// The number behind "KEY:" in a text of the form of /proc/meminfo; 0 when it is not there.
std::uint64_t number_behind(std::string_view text, std::string_view key);

} // namespace mshv::hostprobe
