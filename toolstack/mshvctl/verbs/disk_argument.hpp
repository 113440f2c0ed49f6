// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"
#include "toolstack/mshvctl/arguments.hpp"
#include "toolstack/mshvctl/context.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mshv::ctl::verbs {

/// A disk on the command line: a path and options, or xl's words for a disk.
class DiskArgument {
public:
    void declare(Arguments& arguments);
    /// Throws Error{usage}, and what the import has against xl's words.
    [[nodiscard]] api::Disk disk(Context& context) const;

private:
    std::vector<std::string> words_;
    std::string target_, format_, serial_, cache_;
    std::vector<std::string> backing_;
    bool read_only_ = false, shareable_ = false;
};

/// The name of a disk here, where `word` may be xl's: xvdb is vdb.
std::string disk_target(const std::string& word);
/// The name of a CD drive here, all of which are on the sata bus: hdc is sdc.
std::string drive_target(const std::string& word);

} // namespace mshv::ctl::verbs
