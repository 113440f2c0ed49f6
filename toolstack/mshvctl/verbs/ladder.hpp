// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/requests.hpp"
#include "toolstack/mshvctl/context.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace mshv::ctl::verbs {

/// How a guest is asked to end or to restart: the options that shutdown and reboot share.
class Ladder {
public:
    void declare(Arguments& arguments);
    [[nodiscard]] api::ShutdownRequest request(const Globals& globals) const;
    /// The ladder's own time-out: --timeout, else that of the definition.
    std::chrono::milliseconds timeout(Context& context, const api::Selector& selector) const;

private:
    std::vector<std::string> methods_;
    std::string escalate_;
    bool acpi_ = false;
};

} // namespace mshv::ctl::verbs
