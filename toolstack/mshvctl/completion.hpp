// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace mshv::ctl {

/// The completion script for "bash", "zsh" or "fish", made from the tree of verbs. It completes
/// verbs, options, words to choose from, files, and partitions by asking `mshvctl __complete`.
std::string completion_script(std::string_view shell);

} // namespace mshv::ctl
