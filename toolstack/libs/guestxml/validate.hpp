// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/report.hpp"

namespace mshv::guestxml {

/// The namespace of <m:partition> in a libvirt <domain>.
constexpr std::string_view own_namespace = "urn:mshvctl:partition:1";

/// Walks the document along the table: judges every element and attribute and fills `build`.
/// False when the root is no partition.
bool validate(const Node& root, std::string_view document, const ParseOptions& options,
              Report& report, Build& build);

/// What several values mean together; settles what the walk left open.
void check(const Node& root, Report& report, Build& build);

void check_devices(const Node& root, Report& report, Build& build);

/// The element at a path below `from`, by first children; null when there is none.
const Node* node_at(const Node& from, std::string_view path);

/// Applies options.overrides to the tree, each typed by the table.
void apply_overrides(Node& root, const ParseOptions& options, Report& report);

} // namespace mshv::guestxml
