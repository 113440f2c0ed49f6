// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace mshv::ctl {

/// The whole program, from the words of the command line to the exit status. Throws nothing.
int run(const std::vector<std::string>& words);

} // namespace mshv::ctl
