// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/app/config.hpp"
#include "daemon/app/logging.hpp"

#include <string>

namespace mshv::app {

/// Where the database of a state folder is.
std::string database_path(const Config& config);

/// The daemon: makes every module, serves until SIGTERM or SIGINT, and takes them down again;
/// guests run on. Throws api::Error or std::exception when it cannot start.
void serve(const Config& config, const Log& log);

} // namespace mshv::app
