// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/mshvctl/output/json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mshv::ctl {

/// Starts {"schema":"mshvctl.VERB/1", …: every document that --json prints begins so.
void begin_document(JsonWriter& json, std::string_view verb);

/// The document of a verb that yields one partition: {"schema":…,"partition":{…}} and a newline.
std::string partition_document(std::string_view verb, const api::PartitionView& view);

/// The member "problems": [{code, where, message, hint, file, line, column, length, warning}, …].
void write_problems(JsonWriter& json, const std::vector<api::Problem>& problems);

/// The object {code, message, hint, problems, causes, exit_status}.
void write_error_object(JsonWriter& json, const api::Error& error);

/// An error for a person: a line for the message, the causes and the hint, escaped. `target` is put
/// before the message where several were worked on.
std::string error_text(const api::Error& error, std::string_view target = {});

/// The same for a program: one line of JSON.
std::string error_document(const api::Error& error);

int exit_status(const api::Error& error);

} // namespace mshv::ctl
