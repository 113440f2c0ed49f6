// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace mshv::guestxml {

/// Where text stands in a document: between tags, or as a value in single quotes.
enum class Place { content, attribute };

/// `text` as it is written there.
std::string escaped(std::string_view text, Place place);

} // namespace mshv::guestxml
