// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/guest_exec.hpp"

#include "toolstack/libs/api/base64.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/mshvctl/result.hpp"

#include <algorithm>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;
using std::chrono::milliseconds;

constexpr int of_a_signal = 128;
constexpr std::size_t largest_input = 512UL * 1024;
/// How long the daemon waits at a time.
constexpr milliseconds turn{20'000};

std::string standard_input() {
    try {
        return api::encode_base64(
            posix::read_all(STDIN_FILENO, largest_input, "standard input"));
    } catch (const std::system_error& error) {
        throw Error(ErrorCode::failed,
                    "Standard input cannot be passed on: at most " +
                        std::to_string(largest_input / 1024) + " KiB")
            .because(error.what());
    }
}

/// What a guest's program wrote: as it is to a file or pipe, escaped to a terminal.
std::string shown(const std::string& base64, int to) {
    const std::string bytes = api::decode_base64(base64).value_or("");
    return is_terminal(to) ? api::escape_terminal(bytes, api::EscapeLayout::keep_lines) : bytes;
}

api::GuestExecStatus wait_for_end(Context& context, const api::Selector& selector,
                                  const std::string& name, std::int64_t pid,
                                  posix::Deadline deadline) {
    for (;;) {
        const auto left = deadline.is_never() ? turn : milliseconds(deadline.poll_timeout());
        const milliseconds wait = std::min(turn, left);
        const auto status = context.client().guest_exec_status(
            selector, {pid, static_cast<std::uint64_t>(wait.count())},
            posix::Deadline::after(wait + std::chrono::seconds(30)));
        if (status.exited) {
            return status;
        }
        if (deadline.expired()) {
            throw Error(ErrorCode::timeout,
                        "'" + name + "' has not ended in the guest, as process " +
                            std::to_string(pid),
                        "it goes on there");
        }
    }
}

void print_status(Context& context, std::int64_t pid, const api::GuestExecStatus& status) {
    if (context.json()) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "guest");
        json.key("pid").number(pid).key("status").raw(api::encode(status)).end_object();
        context.out().write("\n");
        return;
    }
    context.out().write(shown(status.out_base64, STDOUT_FILENO));
    context.out().flush();
    write_error(shown(status.err_base64, STDERR_FILENO));
    if (status.out_truncated || status.err_truncated) {
        context.warn("the guest agent has cut what the program wrote");
    }
}

void run(Context& context, const api::Selector& selector, const GuestProgram& program) {
    const auto& timeout = context.globals().timeout;
    const auto deadline =
        timeout ? posix::Deadline::after(*timeout) : posix::Deadline::never();
    api::GuestExecRequest request;
    request.program = program.words.front();
    request.arguments.assign(program.words.begin() + 1, program.words.end());
    request.environment = program.environment;
    request.input_base64 = program.input ? standard_input() : "";
    const auto pid =
        context.client().guest_exec(selector, request, context.operation_deadline()).pid;
    const auto status = wait_for_end(context, selector, request.program, pid, deadline);
    print_status(context, pid, status);
    if (status.exit_code) {
        context.set_exit_status(static_cast<int>(*status.exit_code & 0xff));
    } else if (status.signal && *status.signal > 0 && *status.signal < of_a_signal) {
        context.set_exit_status(of_a_signal + static_cast<int>(*status.signal));
    } else {
        throw Error(ErrorCode::failed, "The guest agent did not say how '" + request.program +
                                           "' has ended");
    }
}

} // namespace

void end_without_status(Context& context, const Error& error) {
    constexpr int no_status = 255;
    context.out().flush();
    write_error(context.json() ? error_document(error) : error_text(error));
    context.set_exit_status(no_status);
}

void run_in_guest(Context& context, const api::Selector& selector, const GuestProgram& program) {
    if (program.words.empty()) {
        throw Error(ErrorCode::usage, "PROGRAM is missing",
                    "mshvctl guest exec PARTITION -- PROGRAM ARGUMENTS");
    }
    if (context.dry_run("run " + program.words.front() + " in the guest of " + selector.text)) {
        return;
    }
    try {
        run(context, selector, program);
    } catch (const Error& error) {
        end_without_status(context, error);
    }
}

} // namespace mshv::ctl::verbs
