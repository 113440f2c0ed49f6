// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/requests.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"

namespace mshv::ctl::verbs {

/// The body of POST /v1/partitions for `document`.
api::CreateRequest new_partition_request(const Document& document);

/// What -n and -N print: the canonical document, with --json its spec too.
void print_canonical(Context& context, const Document& document);

} // namespace mshv::ctl::verbs
