// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/service.hpp"
#include "toolstack/libs/api/view.hpp"

#include <string>

namespace mshv::rest {

/// Prometheus' text format, version 0.0.4: what GET /metrics answers. Every name and unit is in
/// mshvd(8); labels are escaped, so no name of a partition can forge a line.
std::string metrics_text(const control::Snapshot& snapshot, const api::ClaimList& claims,
                         const api::VersionInfo& version);

} // namespace mshv::rest
