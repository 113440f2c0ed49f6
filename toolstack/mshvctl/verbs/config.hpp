// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"
#include "toolstack/mshvctl/context.hpp"

namespace mshv::ctl::verbs {

/// `config edit`: the definition in the user's editor, and back. When it cannot be stored, the text
/// stays in a file that the error names.
void edit_definition(Context& context, const api::Selector& selector);

} // namespace mshv::ctl::verbs
