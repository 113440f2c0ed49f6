// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/grammar.hpp"

#include <string>
#include <string_view>

namespace mshv::guestxml {

/// What an unknown element below `rule` was probably meant to be, or where its name is right.
std::string element_hint(std::string_view name, const ElementRule& rule);
/// The same for an attribute of `rule`.
std::string attribute_hint(std::string_view name, const ElementRule& rule);
/// What the row says to write instead of what it refuses.
std::string instead_hint(const Row& row);

} // namespace mshv::guestxml
