// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mshv::guestxml {

/// Keystrokes between two words: insert, delete, replace, swap neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that `word` was probably meant to be; empty when none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

/// "did you mean 'x'?", or empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

} // namespace mshv::guestxml
