// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/e2e/lib/host.hpp"

#include <string>

namespace mshv::e2e {

/// Types a line at a guest's shell and waits for what it makes of it; the marks are not in the line
/// itself, which the shell shows, too.
void guest_says(Host& host, const std::string& name, const std::string& line,
                const std::string& wanted);

} // namespace mshv::e2e
