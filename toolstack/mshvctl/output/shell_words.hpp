// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace mshv::ctl {

/// Appends `text` so that a shell reads it as one word, and a terminal obeys nothing in it.
void append_shell_word(std::string& out, std::string_view text);

} // namespace mshv::ctl
