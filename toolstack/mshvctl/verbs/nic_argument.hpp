// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"
#include "toolstack/mshvctl/arguments.hpp"
#include "toolstack/mshvctl/context.hpp"

#include <string>
#include <vector>

namespace mshv::ctl::verbs {

/// A network interface on the command line: a file with an <interface>, or KEY=VALUE words as xl
/// takes them.
class NicArgument {
public:
    void declare(Arguments& arguments);
    /// Throws Error{usage}, Error{unsupported} for a key of xl's that has no meaning here, and what
    /// is wrong with the file.
    [[nodiscard]] api::Nic nic(const Context& context) const;

private:
    std::vector<std::string> words_;
};

/// What the daemon calls an interface that is named by its index, MAC address or alias.
std::string nic_target(const std::string& word);
/// The index in that sense; empty for an alias of the administrator's own.
std::string nic_index(const api::Nic& nic);

} // namespace mshv::ctl::verbs
