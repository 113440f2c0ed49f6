// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/revision.hpp"
#include "toolstack/mshvctl/output/json.hpp"

#include <span>
#include <string>

namespace mshv::ctl::verbs {

/// One line a change: "    /memory/size: 134217728 -> 268435456 (next-start)".
void append_changes(std::string& out, std::span<const api::SpecChange> changes);

/// The same as an array under the key "changes".
void write_changes(JsonWriter& json, std::span<const api::SpecChange> changes);

} // namespace mshv::ctl::verbs
