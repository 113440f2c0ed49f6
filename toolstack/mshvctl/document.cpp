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

guestxml::ParseOptions parse_options(const std::string& file, const DocumentOptions& options) {
    guestxml::ParseOptions parse;
    parse.file_name = shown_name(file);
    parse.compat_libvirt = options.compat == "libvirt";
    parse.overrides = options.overrides();
    return parse;
}

} // namespace

std::string shown_name(const std::string& file) {
    return file == "-" ? "standard input" : file;
}

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

Overrides DocumentOptions::overrides() const {
    Overrides made;
    for (const auto& set : sets) {
        const auto equals = set.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw Error(ErrorCode::usage, "'" + set + "' is no KEY=VALUE for --set",
                        "for example --set memory=512M");
        }
        made.emplace_back(set.substr(0, equals), set.substr(equals + 1));
    }
    if (!name.empty()) {
        made.emplace_back("name", name);
    }
    return made;
}

void DocumentOptions::declare(Arguments& arguments) {
    arguments.texts("--set", "KEY=VALUE",
                    "change what the file says: a word such as memory or vcpus, or a path such as "
                    "devices/disk[1]/source/@file",
                    sets);
    arguments.text("--name", "NAME", "another name than the file's", name);
    declare_compat(arguments);
}

void DocumentOptions::declare_compat(Arguments& arguments) {
    arguments.choice("--compat", "WHOSE",
                     "libvirt: leave out a closed list of its elements, with a warning each",
                     {"libvirt"}, compat);
}

void show_problems(const Context& context, const std::vector<api::Problem>& problems,
                   std::string_view text) {
    if (context.json()) {
        return;
    }
    std::string out;
    const auto colour = is_terminal(STDERR_FILENO) ? guestxml::Colour::yes : guestxml::Colour::no;
    for (const auto& problem : problems) {
        out += guestxml::format_problem(problem, text, colour);
        out += out.ends_with('\n') ? "" : "\n";
    }
    write_error(out);
}

void refuse_document(const std::string& file, const std::string& what,
                     std::vector<api::Problem> problems) {
    const auto faults = std::count_if(problems.begin(), problems.end(),
                                      [](const api::Problem& problem) { return !problem.warning; });
    for (auto& problem : problems) {
        problem.file = shown_name(file);
    }
    throw Error(ErrorCode::invalid, shown_name(file) + what + std::to_string(faults) +
                                        (faults == 1 ? " error" : " errors"))
        .with_problems(std::move(problems));
}

Document load_document(const Context& context, const std::string& file,
                       const DocumentOptions& options) {
    return load_document_text(context, file, read_document(file), options);
}

Document load_document_text(const Context& context, const std::string& file, const std::string& xml,
                            const DocumentOptions& options) {
    const auto parse = parse_options(file, options);
    auto result = guestxml::parse(xml, parse);
    show_problems(context, result.problems, xml);
    if (!result.spec) {
        refuse_document(file, " is not a valid guest: ", std::move(result.problems));
    }
    return {std::move(*result.spec), parse.overrides.empty() ? xml : std::string{}};
}

} // namespace mshv::ctl
