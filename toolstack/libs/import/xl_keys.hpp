// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/import/xl_context.hpp"

#include <span>
#include <string_view>

namespace mshv::foreign {

/// What becomes of a key of xl.cfg.
enum class Fate {
    mapped,  ///< by a handler, which reports what it cannot map
    ignored, ///< a warning: the guest does not depend on it
    lost,    ///< an error unless accepted: the guest depends on it
};
/// When what the table says of a key is so.
enum class When {
    always,
    if_true, ///< and not when its value is 0 or empty, which is what is so anyway
    if_false,
};

struct XlKey {
    std::string_view name;
    Fate fate = Fate::mapped;
    std::string_view why = {};
    When when = When::always;
};

/// All keys, sorted by name.
std::span<const XlKey> xl_key_table();
const XlKey* find_xl_key(std::string_view name);

/// Reports every key that is unknown, ignored or lost.
void judge_keys(XlContext& context);

} // namespace mshv::foreign
