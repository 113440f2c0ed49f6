// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/identity.hpp"
#include "toolstack/mshvctl/context.hpp"

#include <string>
#include <vector>

namespace mshv::ctl::verbs {

/// What `guest exec` is told.
struct GuestProgram {
    std::vector<std::string> words; ///< the program and its arguments
    std::vector<std::string> environment;
    bool input = false; ///< this program's standard input is the other's
};

/// Tells what kept a guest from ending this program with a status of its own, which is 255 then, so
/// that it is not taken for the guest's.
void end_without_status(Context& context, const api::Error& error);

/// Runs a program in a guest, waits for its end, writes what it wrote and takes over its exit
/// status, or ends without one.
void run_in_guest(Context& context, const api::Selector& selector, const GuestProgram& program);

} // namespace mshv::ctl::verbs
