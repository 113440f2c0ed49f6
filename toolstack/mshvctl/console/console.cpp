// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/console.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/console/session.hpp"
#include "toolstack/mshvctl/context.hpp"

#include <unistd.h>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::chrono::seconds attach_timeout{10};
/// How long a broken connection is mended: longer than a daemon needs to start again.
constexpr std::chrono::seconds mending{60};
constexpr std::chrono::milliseconds between_attempts{200};

SessionSetup make_setup(const api::Selector& selector, const ConsoleOptions& options) {
    SessionSetup setup;
    setup.input = STDIN_FILENO;
    setup.output = STDOUT_FILENO;
    setup.input_terminal = is_terminal(STDIN_FILENO);
    setup.output_terminal = is_terminal(STDOUT_FILENO);
    setup.read_only = options.no_input;
    setup.filter = options.filter;
    setup.escape = options.escape;
    setup.name = api::escape_terminal(selector.text);
    // A reader from a pipe wants none of it.
    setup.input = setup.input_terminal || !setup.read_only ? setup.input : -1;
    setup.say = [](std::string_view text) {
        write_error("\r\n[mshvctl: " + std::string(text) + "]\r\n");
    };
    return setup;
}

/// May the same question have another answer soon?
bool worth_asking_again(ErrorCode code) {
    return code == ErrorCode::unreachable || code == ErrorCode::timeout || code == ErrorCode::busy;
}

struct Attached {
    std::optional<Upgraded> connection;
    SessionEnd end = SessionEnd::lost; ///< without a connection: why
};

/// Attaches again where the stream was, until it works, the user has enough, or it cannot.
Attached attach_again(Context& context, const api::Selector& selector, ConsoleQuery query,
                      Session& session, const RawTerminal& raw) {
    query.since = session.offset();
    query.write = query.write && session.writer();
    query.steal = false;
    const auto give_up = posix::Deadline::after(mending);
    for (;;) {
        try {
            return {context.client().attach_console(selector, query,
                                                    posix::Deadline::after(attach_timeout)),
                    {}};
        } catch (const Error& error) {
            if (error.code() == ErrorCode::not_found || error.code() == ErrorCode::wrong_state) {
                return {std::nullopt, SessionEnd::ended};
            }
            if (!worth_asking_again(error.code()) || give_up.expired()) {
                throw;
            }
        }
        if (const auto end = session.pause(between_attempts, raw)) {
            return {std::nullopt, *end};
        }
    }
}

SessionEnd carry(Context& context, const api::Selector& selector, const ConsoleQuery& query,
                 Session& session, Upgraded first, posix::Deadline deadline,
                 const RawTerminal& raw) {
    Upgraded connection = std::move(first);
    for (;;) {
        const auto end =
            session.run(std::move(connection.socket), connection.first_bytes, deadline, raw);
        if (end != SessionEnd::lost) {
            return end;
        }
        auto again = attach_again(context, selector, query, session, raw);
        if (!again.connection) {
            return again.end;
        }
        connection = std::move(*again.connection);
    }
}

void conclude(SessionEnd end, const Session& session, const SessionSetup& setup) {
    if (setup.output_terminal && end == SessionEnd::ended && !session.exit_reason().empty()) {
        write_error("\n[mshvctl: " + setup.name +
                    " ended: " + api::escape_terminal(session.exit_reason()) + "]\n");
    } else if (setup.output_terminal) {
        write_error("\n");
    }
    if (end == SessionEnd::timed_out) {
        throw Error(ErrorCode::timeout, "the time for the console of " + setup.name + " is over");
    }
    if (end == SessionEnd::interrupted) {
        throw Error(ErrorCode::interrupted, "the console of " + setup.name + " was interrupted");
    }
}

void run_session(Context& context, const api::Selector& selector, const ConsoleOptions& options,
                 const ConsoleQuery& query,
                 std::function<std::string(const std::string&)> on_replay) {
    const auto setup = make_setup(selector, options);
    const auto& timeout = context.globals().timeout;
    const auto deadline = timeout ? posix::Deadline::after(*timeout) : posix::Deadline::never();
    // Refusals come while the terminal is still as the user knows it.
    auto connection =
        context.client().attach_console(selector, query, posix::Deadline::after(attach_timeout));
    const SignalBlock signals;
    if (options.attached) {
        options.attached();
    }
    SessionEnd end{};
    Session session(setup);
    session.on_replay = std::move(on_replay);
    {
        const RawTerminal raw(setup.input_terminal ? STDIN_FILENO : -1);
        end = carry(context, selector, query, session, std::move(connection), deadline, raw);
    }
    conclude(end, session, setup);
}

} // namespace

void run_console(Context& context, const api::Selector& selector, const ConsoleOptions& options) {
    ConsoleQuery query;
    query.write = !options.no_input;
    query.steal = options.steal;
    query.replay = options.replay;
    run_session(context, selector, options, query, {});
}

void print_console_log(Context& context, const api::Selector& selector, bool follow,
                       const ConsoleOptions& options) {
    const auto fetch = [&](const std::function<void(std::string_view)>& sink) {
        context.client().console_log(selector, sink, context.deadline(std::chrono::hours(1)));
    };
    TerminalFilter filter;
    const bool filtered = options.filter && is_terminal(STDOUT_FILENO);
    if (!follow) {
        fetch([&](std::string_view bytes) {
            context.print(filtered ? filter.filter(bytes) : std::string(bytes));
        });
        return;
    }
    // The session is opened first and gives all that the keeper's ring holds; the log, read after
    // that, holds the same bytes near its end. What lies before them is printed from the log, the
    // rest comes from the session: no gap, nothing twice.
    ConsoleQuery query;
    query.write = false;
    query.since = 0;
    run_session(context, selector, options, query, [&](const std::string& replayed) {
        std::string log;
        fetch([&](std::string_view bytes) { log += bytes; });
        const auto common = replayed.empty() ? std::string::npos : log.rfind(replayed);
        return (common == std::string::npos ? log : log.substr(0, common)) + replayed;
    });
}

} // namespace mshv::ctl
