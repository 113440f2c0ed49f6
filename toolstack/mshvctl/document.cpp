// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/document.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/mshvctl/context.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;

/// One byte more than guestxml accepts, so that it is guestxml that says what is too long.
constexpr std::size_t largest_file = 1024 * 1024 + 1;

std::string read_document(const std::string& file) {
    try {
        return file == "-" ? posix::read_all(STDIN_FILENO, largest_file, "standard input")
                           : posix::read_file(file, largest_file);
    } catch (const std::system_error& error) {
        if (error.code().value() == EFBIG) {
            throw Error(ErrorCode::invalid, file + " is longer than 1 MiB", "is it guest XML?");
        }
        const bool missing = error.code().value() == ENOENT || error.code().value() == ENOTDIR;
        const bool denied = error.code().value() == EACCES || error.code().value() == EPERM;
        throw Error(missing  ? ErrorCode::not_found
                    : denied ? ErrorCode::denied
                             : ErrorCode::failed,
                    "cannot read " + file + ": " + error.code().message());
    }
}

guestxml::ParseOptions parse_options(const std::string& file, const DocumentOptions& options) {
    guestxml::ParseOptions parse;
    parse.file_name = file == "-" ? "standard input" : file;
    parse.compat_libvirt = options.compat == "libvirt";
    for (const auto& set : options.sets) {
        const auto equals = set.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw Error(ErrorCode::usage, "'" + set + "' is no KEY=VALUE for --set",
                        "for example --set memory=512M");
        }
        parse.overrides.emplace_back(set.substr(0, equals), set.substr(equals + 1));
    }
    if (!options.name.empty()) {
        parse.overrides.emplace_back("name", options.name);
    }
    return parse;
}

} // namespace

void DocumentOptions::declare(Arguments& arguments) {
    arguments.texts("--set", "KEY=VALUE",
                    "change what the file says: a word such as memory or vcpus, or a path such as "
                    "devices/disk[1]/source/@file",
                    sets);
    arguments.text("--name", "NAME", "another name than the file's", name);
    arguments.choice("--compat", "WHOSE",
                     "libvirt: leave out a closed list of its elements, with a warning each",
                     {"libvirt"}, compat);
}

Document load_document(const Context& context, const std::string& file,
                       const DocumentOptions& options) {
    const auto parse = parse_options(file, options);
    const std::string xml = read_document(file);
    auto result = guestxml::parse(xml, parse);
    if (!context.json()) {
        std::string text;
        const auto colour =
            is_terminal(STDERR_FILENO) ? guestxml::Colour::yes : guestxml::Colour::no;
        for (const auto& problem : result.problems) {
            text += guestxml::format_problem(problem, xml, colour);
            text += text.ends_with('\n') ? "" : "\n";
        }
        write_error(text);
    }
    if (!result.spec) {
        const auto faults =
            std::count_if(result.problems.begin(), result.problems.end(),
                          [](const api::Problem& problem) { return !problem.warning; });
        for (auto& problem : result.problems) {
            problem.file = parse.file_name;
        }
        throw Error(ErrorCode::invalid, parse.file_name +
                                            " is not a valid guest: " + std::to_string(faults) +
                                            (faults == 1 ? " error" : " errors"))
            .with_problems(std::move(result.problems));
    }
    return {std::move(*result.spec), parse.overrides.empty() ? xml : std::string{}};
}

} // namespace mshv::ctl
