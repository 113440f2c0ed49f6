// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/run.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/parser.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/tree.hpp"
#include "toolstack/mshvctl/verb.hpp"

#include <algorithm>
#include <new>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;

bool wants_help(const std::vector<std::string>& words) {
    for (const auto& word : words) {
        if (word == "--") {
            return false;
        }
        if (word == "--help" || word == "-h") {
            return true;
        }
    }
    return false;
}

int run_verb(Globals& globals, const std::vector<std::string>& words) {
    Arguments arguments;
    globals.declare(arguments);
    if (!words.empty() && (words.front() == "--help" || words.front() == "-h")) {
        Context(globals).print(help_text());
        return 0;
    }
    if (!words.empty() && words.front() == "--version") {
        Context(globals).print("mshvctl " MSHV_VERSION "\n");
        return 0;
    }
    const SplitLine line = split_at_verb(arguments, words);
    if (line.verb.empty()) {
        throw Error(ErrorCode::usage,
                    words.size() == line.before.size() ? "VERB is missing" : "the verb is empty",
                    "mshvctl help lists the verbs");
    }
    const bool person = is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
    const Verb& verb = resolve_verb(line.verb, person);
    Context context(globals);
    if (wants_help(line.after)) {
        context.print(help_text(verb));
        return 0;
    }
    const auto command = verb.make();
    command->declare(arguments);
    std::vector<std::string> all = line.before;
    all.insert(all.end(), line.after.begin(), line.after.end());
    parse_arguments(arguments, verb.name, all);
    try {
        command->run(context);
        context.end_dry_run();
    } catch (...) {
        // What a verb has printed before it failed is part of its answer.
        context.out().flush();
        throw;
    }
    context.out().flush();
    return context.exit_status();
}

int report(const Error& error, bool json) {
    write_error(json ? error_document(error) : error_text(error));
    return exit_status(error);
}

} // namespace

int run(const std::vector<std::string>& words) {
    Globals globals;
    // An error of the command line itself is JSON too, wherever --json stands in it.
    const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
    try {
        return run_verb(globals, words);
    } catch (const Error& error) {
        return report(error, json);
    } catch (const posix::TimedOut& error) {
        return report(Error(ErrorCode::timeout, error.what()), json);
    } catch (const std::bad_alloc&) {
        return report(Error(ErrorCode::no_resource, "out of memory"), json);
    } catch (const std::exception& error) {
        return report(Error(ErrorCode::failed, error.what()), json);
    }
}

} // namespace mshv::ctl
