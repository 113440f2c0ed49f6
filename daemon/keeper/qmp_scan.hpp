// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mshv::keeper {

inline constexpr std::size_t longest_qmp_line = 1024 * 1024;
inline constexpr int deepest_qmp_value = 32;

/// What the keeper needs of one line of QMP. The VMM may have been taken over by its guest: a line
/// is checked to be one strict JSON object before anything of it is believed or passed on.
struct QmpLine {
    enum class Kind { greeting, event, returned, error, command, other };
    Kind kind = Kind::other;
    std::string id; ///< top-level "id" where it is a string
    bool has_id = false;
    std::string event;  ///< its name
    std::string reason; ///< data.reason
    std::string action; ///< data.action
    std::string device; ///< data.device
    std::string path;   ///< data.path
    bool guest = false; ///< data.guest
    std::optional<std::int64_t> actual; ///< data.actual, where it is a whole number of 63 bits
    std::string status; ///< return.status (query-status)
    std::string text;   ///< error.desc
};

/// Empty when `line` is not exactly one JSON object, is too long or deep, names a key that matters
/// twice, or is not UTF-8. Strings are cut to 256 bytes and only names without escapes are
/// compared, so the values are kept as they stand in the line.
std::optional<QmpLine> scan_qmp(std::string_view line);

} // namespace mshv::keeper
