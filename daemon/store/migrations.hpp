// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace mshv::store {

/// The steps of the schema in order: step N makes version N of version N - 1. A step that was
/// released is never edited.
std::span<const std::string_view> migrations();

} // namespace mshv::store
