// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/context.hpp"

#include <string>

namespace mshv::ctl::verbs {

/// Replaces `path` by `text` at once; throws api::Error.
void write_file(const std::string& path, const std::string& text);

/// A document on standard output: as it is to a file or a pipe, and escaped to a terminal.
void print_document(Context& context, const std::string& text);

} // namespace mshv::ctl::verbs
