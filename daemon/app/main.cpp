// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/daemon.hpp"
#include "daemon/app/options.hpp"
#include "daemon/app/process.hpp"
#include "daemon/store/store.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <sys/stat.h>

namespace {

using namespace mshv;

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

/// The daemon may be talking to the journal: what ended it is said on stderr all the same, which is
/// the journal's then.
int fail(const api::Error& error) {
    std::string text = "mshvd: " + error.message() + "\n";
    for (const auto& cause : error.causes()) {
        text += "  because: " + cause + "\n";
    }
    for (const auto& problem : error.problems()) {
        text += problem.file.empty() ? "  "
                                     : problem.file + ":" + std::to_string(problem.line) + ":" +
                                           std::to_string(problem.column) + ": ";
        text += problem.message + (problem.hint.empty() ? "" : " (" + problem.hint + ")") + "\n";
    }
    if (!error.hint().empty()) {
        text += "  hint: " + error.hint() + "\n";
    }
    const std::string safe = api::escape_terminal(text, api::EscapeLayout::keep_lines);
    std::fwrite(safe.data(), 1, safe.size(), stderr);
    return api::error_info(error.code()).exit_status;
}

int check_database(const app::Config& config) {
    store::Options options;
    options.create = false;
    const auto faults = store::Store::open(app::database_path(config), options)->fsck();
    for (const auto& fault : faults) {
        print(api::escape_terminal(fault) + "\n");
    }
    print(faults.empty() ? "sound\n" : std::to_string(faults.size()) + " faults\n");
    return faults.empty() ? 0 : 1;
}

int run(int argc, char** argv) {
    const app::Options options = app::parse_options(argc, argv);
    switch (options.mode) {
    case app::Mode::help:
        print(app::help_text());
        return 0;
    case app::Mode::version:
        print("mshvd " MSHV_VERSION "\n");
        return 0;
    case app::Mode::list_crashpoints:
        for (const auto name : posix::crashpoint_names()) {
            print(std::string(name) + "\n");
        }
        return 0;
    default:
        break;
    }
    const app::Config config = app::effective_config(options);
    switch (options.mode) {
    case app::Mode::check_config:
        return 0;
    case app::Mode::print_config:
        print(app::print_config(config));
        return 0;
    case app::Mode::fsck:
        return check_database(config);
    case app::Mode::backup:
        store::Store::backup_file(app::database_path(config), options.backup_file);
        return 0;
    default:
        break;
    }
    app::settle_process();
    const app::Log log(config.log_target, config.log_level);
    app::serve(config, log);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    ::umask(0077); // a copy of the database is as private as the database
    try {
        return run(argc, argv);
    } catch (const api::Error& error) {
        return fail(error);
    } catch (const std::exception& error) {
        return fail(api::Error(api::ErrorCode::failed, error.what()));
    }
}
