// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/arguments.hpp"
#include "toolstack/mshvctl/verb.hpp"

#include <string>
#include <string_view>

namespace mshv::ctl {

/// What `verb` declares, for printing: nothing is stored through it.
Arguments declaration_of(const Verb& verb);
Arguments global_declaration();

/// The tree of verbs, options and arguments as JSON: what the man pages are checked against.
std::string tree_json();

/// `mshvctl help` and `mshvctl help VERB`.
std::string help_text();
std::string help_text(const Verb& verb);

} // namespace mshv::ctl
