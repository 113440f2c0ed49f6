// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/seed.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace mshv::vmm {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::size_t largest_document = 1024UL * 1024;

/// The document, of a file that must be a regular one: another might never end.
std::string text_of(const domain::SeedPlan::File& file) {
    const auto& document = file.document;
    if (document.file.empty()) {
        return document.text;
    }
    const auto refuse = [&](const std::string& why, const std::string& hint) {
        throw Error(ErrorCode::failed,
                    "Cannot read " + document.file + " for cloud-init's " + file.name + ": " + why,
                    hint);
    };
    try {
        const auto fd = posix::open_file(document.file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        struct stat info {};
        posix::check(::fstat(fd.get(), &info), "look at " + document.file);
        if (!S_ISREG(info.st_mode)) {
            refuse("it is no regular file", "");
        }
        return posix::read_all(fd.get(), largest_document, document.file);
    } catch (const std::system_error& error) {
        refuse(error.code().value() == EFBIG ? "it has more than 1 MiB" : error.code().message(),
               error.code() == std::errc::no_such_file_or_directory
                   ? "create the file, or correct the path in the definition"
                   : "");
    }
    return {};
}

void write_file(const std::string& path, const std::string& text, posix::Deadline deadline) {
    const auto fd = posix::open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    posix::write_all(fd.get(), text, deadline, path);
}

/// The last line of what the program said.
std::string last_words(const posix::Fd& said) {
    constexpr std::size_t most = 64UL * 1024;
    (void)::lseek(said.get(), 0, SEEK_SET);
    std::string text = posix::read_all(said.get(), most, "what xorriso said");
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.pop_back();
    }
    return api::escape_terminal(text.substr(text.rfind('\n') + 1));
}

posix::Command command_of(const std::string& program, const std::string& folder,
                          const std::string& image) {
    posix::Command command;
    command.program = program;
    // Names, dates and owners that do not depend on where and when it is made.
    command.argv = {program,
                    "-no_rc",
                    "-report_about",
                    "SORRY",
                    "-as",
                    "mkisofs",
                    "-quiet",
                    "-r",
                    "-J",
                    "-V",
                    "cidata",
                    "--set_all_file_dates",
                    "2000010100000000",
                    "-o",
                    image,
                    folder};
    command.env = {"LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=946684800"};
    command.new_session = true;
    command.dies_with_parent = true;
    return command;
}

void run(const posix::Command& command, const posix::Fd& said, posix::Deadline deadline) {
    posix::Child child;
    try {
        child = posix::spawn(command);
    } catch (const std::system_error& error) {
        throw Error(ErrorCode::unsupported,
                    "Cannot run " + command.program +
                        ", which makes cloud-init's seed: " + error.code().message(),
                    "install the package xorriso");
    }
    try {
        child.pidfd.wait_ended(deadline);
    } catch (const posix::TimedOut&) {
        child.pidfd.signal(SIGKILL);
        child.pidfd.wait_ended(posix::Deadline::after(std::chrono::seconds(5)));
        (void)child.pidfd.reap();
        throw;
    }
    const auto status = child.pidfd.reap();
    if (!status || status->signalled || status->value != 0) {
        throw Error(ErrorCode::failed,
                    command.program + " did not make cloud-init's seed: " + last_words(said));
    }
}

} // namespace

void make_seed(const std::string& program, const domain::SeedPlan& plan, posix::Deadline deadline) {
    const std::string folder = plan.path + ".d";
    MSHV_CRASHPOINT("vmm.seed.before_make");
    posix::make_directories(folder, 0700);
    for (const auto& file : plan.files) {
        write_file(folder + "/" + file.name, text_of(file), deadline);
    }
    // Made first, so that its mode is ours.
    const auto image = posix::open_file(plan.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    const auto said = posix::memory_file_for_writing("xorriso");
    auto command = command_of(program, folder, plan.path);
    command.fds = {{said.get(), 2}};
    run(command, said, deadline);
    posix::remove_tree(folder);
    MSHV_CRASHPOINT("vmm.seed.after_make");
}

} // namespace mshv::vmm
