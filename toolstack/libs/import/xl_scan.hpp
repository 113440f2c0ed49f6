// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/scan.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::foreign {

using guestxml::Place;

struct XlLimits {
    static constexpr std::size_t document = std::size_t{256} * 1024;
    static constexpr std::size_t settings = 1024;
    static constexpr std::size_t values = 8192; ///< of all lists together
    static constexpr std::size_t depth = 8;
    static constexpr std::size_t text = std::size_t{16} * 1024; ///< one string
    static constexpr std::size_t faults = 64;
};

struct XlValue {
    enum class Kind { text, number, list };
    Kind kind = Kind::text;
    std::string text;           ///< the string without quotes and escapes; a number as written
    std::vector<XlValue> items; ///< of a list
    Place at;                   ///< with its quotes or brackets
};

struct XlSetting {
    std::string key;
    Place key_at;
    XlValue value;
    bool adds = false; ///< "+=": behind what an earlier setting of the key says
};

struct XlFault {
    bool limit = false;
    Place at;
    std::string message, hint;
};

struct XlDocument {
    std::vector<XlSetting> settings; ///< in the order of the file
    std::vector<XlFault> faults;     ///< one a line at most
};

/// Reads xl.cfg's grammar: KEY = VALUE, by lines or ';'; strings in either quotes with the escapes
/// of C, numbers of base 10, 8 and 16, lists that nest and go over lines; '#' to the end of a line.
/// Linear in the document's size.
XlDocument scan_xl(std::string_view document);

} // namespace mshv::foreign
