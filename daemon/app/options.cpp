// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/options.hpp"

#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <array>
#include <getopt.h>

namespace mshv::app {
namespace {

using Apply = void (*)(Options&, const char* value);

struct Flag {
    const char* name;
    const char* value; ///< name of its value in the help; null = none
    const char* what;
    Apply apply;
};

template <std::string Config::*member>
void set_override(Options& options, const char* value) {
    options.overrides.emplace_back(member, value);
}

template <Mode mode>
void set_mode(Options& options, const char*) {
    options.mode = mode;
}

void set_config(Options& options, const char* value) {
    options.config_file = value;
    options.config_given = true;
}

void set_backup(Options& options, const char* value) {
    options.mode = Mode::backup;
    options.backup_file = value;
}

void set_no_autostart(Options& options, const char*) { options.no_autostart = true; }

constexpr std::array flags{
    Flag{"config", "FILE", "read this instead of /etc/mshv/mshvd.toml", set_config},
    Flag{"state-dir", "DIR", "as paths.state_dir", set_override<&Config::state_dir>},
    Flag{"run-dir", "DIR", "as paths.run_dir", set_override<&Config::run_dir>},
    Flag{"log-dir", "DIR", "as paths.log_dir", set_override<&Config::log_dir>},
    Flag{"cache-dir", "DIR", "as paths.cache_dir", set_override<&Config::cache_dir>},
    Flag{"socket", "PATH", "as api.socket", set_override<&Config::socket>},
    Flag{"log-level", "LEVEL", "as log.level", set_override<&Config::log_level>},
    Flag{"log-target", "TARGET", "as log.target", set_override<&Config::log_target>},
    Flag{"no-autostart", nullptr, "start nothing by itself", set_no_autostart},
    Flag{"check-config", nullptr, "say what is wrong with the configuration, and end",
         set_mode<Mode::check_config>},
    Flag{"print-config", nullptr, "print the configuration in force, and end",
         set_mode<Mode::print_config>},
    Flag{"fsck", nullptr, "check the database and end: 0 sound, 1 not", set_mode<Mode::fsck>},
    Flag{"backup", "FILE", "copy the database consistently, also while a daemon runs, and end",
         set_backup},
#ifdef MSHV_CRASHPOINTS
    Flag{"list-crashpoints", nullptr, "print where a test can make this build die, and end",
         set_mode<Mode::list_crashpoints>},
#endif
    Flag{"help", nullptr, "print this and end", set_mode<Mode::help>},
    Flag{"version", nullptr, "print the version and end", set_mode<Mode::version>},
};

} // namespace

Options parse_options(int argc, char** argv) {
    std::array<option, flags.size() + 1> table{};
    for (std::size_t i = 0; i < flags.size(); ++i) {
        table[i] = {flags[i].name, flags[i].value == nullptr ? no_argument : required_argument,
                    nullptr, static_cast<int>(i)};
    }
    Options options;
    ::opterr = 0;
    ::optind = 0; // glibc: start afresh, so that a second call (tests) works
    for (;;) {
        const int before = ::optind;
        const int found = ::getopt_long(argc, argv, ":", table.data(), nullptr);
        if (found == -1) {
            break;
        }
        if (found == '?' || found == ':') {
            const int at = before == 0 ? 1 : before;
            throw api::Error(api::ErrorCode::usage,
                             std::string(found == ':' ? "this option wants a value: "
                                                      : "unknown option: ") +
                                 argv[at < argc ? at : argc - 1],
                             "mshvd --help lists the options");
        }
        flags[static_cast<std::size_t>(found)].apply(options, ::optarg);
    }
    if (::optind < argc) {
        throw api::Error(api::ErrorCode::usage,
                         std::string("this is no option: ") + argv[::optind],
                         "mshvd --help lists the options");
    }
    return options;
}

Config effective_config(const Options& options) {
    Config config;
    try {
        config = read_config(options.config_file);
    } catch (const api::Error& error) {
        if (error.code() != api::ErrorCode::not_found || options.config_given) {
            throw;
        }
    }
    for (const auto& [member, value] : options.overrides) {
        config.*member = value;
    }
    if (options.no_autostart) {
        config.autostart = false;
    }
    // Once more through the reader: a flag's value is held to the same rules as the file's.
    return parse_config(print_config(config), "the command line");
}

std::string help_text() {
    std::string text = "Usage: mshvd [OPTION]…\n"
                       "Keeps the definitions and lives of this host's partitions; see mshvd(8).\n\n";
    constexpr std::size_t width = 24;
    for (const auto& flag : flags) {
        std::string left = std::string("  --") + flag.name;
        if (flag.value != nullptr) {
            left += std::string(" ") + flag.value;
        }
        left.resize(std::max(width, left.size() + 1), ' ');
        text += left + flag.what + "\n";
    }
    return text;
}

} // namespace mshv::app
