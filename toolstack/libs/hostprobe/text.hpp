// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mshv::hostprobe {

/// The file's text, at most 4 MiB; empty when it cannot be read.
std::string read_text(const std::string& path);
/// Its first line, without the end.
std::string read_line(const std::string& path);

/// The number behind "KEY:" in a text of the form of /proc/meminfo; 0 when it is not there.
std::uint64_t number_behind(std::string_view text, std::string_view key);

} // namespace mshv::hostprobe
