// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/requests.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"

#include <optional>
#include <utility>

namespace mshv::ctl::verbs {

/// The body of POST /v1/partitions for `document`.
api::CreateRequest new_partition_request(const Document& document);

/// The partition that has the document's UUID or, when it names none, its name already.
std::optional<api::PartitionView> existing_partition(Context& context,
                                                     const api::PartitionSpec& spec);

/// Creates it; with `if_not_exists` one that is there already is as good. Second: is it new?
std::pair<api::PartitionView, bool> create_partition(Context& context,
                                                     const api::CreateRequest& request,
                                                     bool if_not_exists, posix::Deadline deadline);

/// What -n and -N print: the canonical document, with --json its spec too.
void print_canonical(Context& context, const Document& document);

} // namespace mshv::ctl::verbs
