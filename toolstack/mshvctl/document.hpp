// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"
#include "toolstack/mshvctl/arguments.hpp"

#include <string>
#include <vector>

namespace mshv::ctl {

class Context;

/// The options with which a guest XML file is read: shared by create, define and check.
struct DocumentOptions {
    std::string compat;            ///< "" or "libvirt"
    std::vector<std::string> sets; ///< --set KEY=VALUE
    std::string name;              ///< --name

    void declare(Arguments& arguments);
};

/// A guest as it was read.
struct Document {
    api::PartitionSpec spec;
    std::string xml; ///< the text of the file; empty when --set or --name changed what it says
};

/// Reads and checks `file` ("-" = standard input). Every problem is printed with its source line on
/// standard error, unless --json will print them all; faults throw api::Error{invalid} that carries
/// the problems, each with `file` set.
Document load_document(const Context& context, const std::string& file,
                       const DocumentOptions& options);

} // namespace mshv::ctl
