// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/spec.hpp"
#include "toolstack/mshvctl/arguments.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mshv::ctl {

class Context;

using Overrides = std::vector<std::pair<std::string, std::string>>;

/// The options with which a guest XML file is read: shared by create, define and check.
struct DocumentOptions {
    std::string compat;            ///< "" or "libvirt"
    std::vector<std::string> sets; ///< --set KEY=VALUE
    std::string name;              ///< --name

    void declare(Arguments& arguments);
    void declare_compat(Arguments& arguments); ///< --compat alone
    /// What --set and --name say; throws api::Error{usage}.
    [[nodiscard]] Overrides overrides() const;
};

/// A guest as it was read.
struct Document {
    api::PartitionSpec spec;
    std::string xml; ///< the text of the file; empty when --set or --name changed what it says
};

/// What messages call `file`: "-" is standard input.
std::string shown_name(const std::string& file);
/// The text of `file`; throws api::Error.
std::string read_document(const std::string& file);
/// Prints the problems with their source lines on standard error, unless --json will print them.
void show_problems(const Context& context, const std::vector<api::Problem>& problems,
                   std::string_view text);
/// Throws api::Error{invalid} "FILE WHAT N errors" that carries the problems.
[[noreturn]] void refuse_document(const std::string& file, const std::string& what,
                                  std::vector<api::Problem> problems);

/// Reads and checks `file` ("-" = standard input). Every problem is printed with its source line on
/// standard error, unless --json will print them all; faults throw api::Error{invalid} that carries
/// the problems, each with `file` set.
Document load_document(const Context& context, const std::string& file,
                       const DocumentOptions& options);
/// The same of the text of `file`.
Document load_document_text(const Context& context, const std::string& file, const std::string& xml,
                            const DocumentOptions& options = {});

} // namespace mshv::ctl
