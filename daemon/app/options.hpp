// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/app/config.hpp"

#include <string>
#include <utility>
#include <vector>

namespace mshv::app {

enum class Mode {
    serve,
    check_config,
    print_config,
    fsck,
    backup,
    list_crashpoints,
    help,
    version,
};

/// mshvd's command line. What a flag says wins over the file.
struct Options {
    Mode mode = Mode::serve;
    std::string config_file = "/etc/mshv/mshvd.toml";
    bool config_given = false; ///< by --config: then a missing file is an error
    std::string backup_file;   ///< of --backup
    std::vector<std::pair<std::string Config::*, std::string>> overrides;
    bool no_autostart = false;
};

/// Throws api::Error{usage}.
Options parse_options(int argc, char** argv);

/// The file's values with the flags over them.
Config effective_config(const Options& options);

/// What --help prints.
std::string help_text();

} // namespace mshv::app
