// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/arguments.hpp"

#include <string>
#include <vector>

namespace mshv::ctl {

/// Reads `words` (without program and verb) into what `arguments` declares. Throws
/// api::Error{usage}; `verb` is for its hint.
void parse_arguments(const Arguments& arguments, std::string_view verb,
                     const std::vector<std::string>& words);

/// The command line split at its verb. Words before the verb are global options only.
struct SplitLine {
    std::vector<std::string> before;
    std::string verb; ///< empty when there is none
    std::vector<std::string> after;
};

/// Finds the verb: the first word that is neither a global option nor one's value.
SplitLine split_at_verb(const Arguments& globals, const std::vector<std::string>& words);

} // namespace mshv::ctl
