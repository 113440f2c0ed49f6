// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/keeper_text.hpp"

#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <array>
#include <fcntl.h>
#include <system_error>
#include <utility>

namespace mshv::vmm {
namespace {

using keeper::Message;
using keeper::ProtocolError;
using Kind = KeeperEvent::Kind;

constexpr std::size_t largest_file = 4UL * 1024 * 1024;

constexpr auto kinds = std::to_array<std::pair<std::string_view, Kind>>({
    {"vmm-started", Kind::vmm_started},
    {"ready", Kind::ready},
    {"running", Kind::running},
    {"paused", Kind::paused},
    {"guest-panicked", Kind::guest_panicked},
    {"vmm-exited", Kind::vmm_exited},
    {"respawn-wait", Kind::respawn_wait},
    {"finished", Kind::finished},
    {"unresponsive", Kind::unresponsive},
    {"responsive", Kind::responsive},
    {"writer-changed", Kind::writer_changed},
    {"device-deleted", Kind::device_deleted},
    {"device-kept", Kind::device_kept},
    {"balloon", Kind::balloon},
    {"suspended", Kind::suspended},
    {"awake", Kind::awake},
    {"notice", Kind::notice},
});

constexpr auto codes = std::to_array<std::pair<std::string_view, api::ErrorCode>>({
    {"wrong_state", api::ErrorCode::wrong_state},
    {"busy", api::ErrorCode::busy},
    {"timeout", api::ErrorCode::timeout},
    {"unsupported", api::ErrorCode::unsupported},
    {"invalid", api::ErrorCode::invalid},
    {"vmm_gone", api::ErrorCode::wrong_state},
});

std::int64_t need(const Message& message, std::string_view key) {
    const auto value = message.number(key);
    if (!value) {
        throw ProtocolError(message.word + " without " + std::string(key));
    }
    return *value;
}

std::optional<posix::ProcessIdentity> identity(const Message& message, const std::string& who) {
    const auto pid = message.number(who + "_pid");
    const auto ticks = message.number(who + "_ticks");
    if (!pid || !ticks) {
        return std::nullopt;
    }
    // Never a group, never every process: kill(2) would take 0 and -1 so.
    if (*pid <= 1 || *pid > (1 << 22) || *ticks < 0) {
        throw ProtocolError(message.word + ": " + who + "_pid is no process");
    }
    return posix::ProcessIdentity{static_cast<pid_t>(*pid), static_cast<std::uint64_t>(*ticks)};
}

std::optional<posix::ExitStatus> exit_status(const Message& message) {
    if (const auto code = message.number("exit_code")) {
        return posix::ExitStatus{false, static_cast<int>(*code)};
    }
    if (const auto signal = message.number("exit_signal")) {
        return posix::ExitStatus{true, static_cast<int>(*signal)};
    }
    return std::nullopt;
}

api::Reason reason_of(const Message& message) {
    return api::from_name<api::Reason>(message.text("reason")).value_or(api::Reason::none);
}

} // namespace

std::optional<KeeperEvent> to_event(const Message& line) {
    KeeperEvent event;
    event.seq = need(line, "seq");
    event.at_ms = need(line, "at_ms");
    const std::string word = line.text("kind");
    bool known = false;
    for (const auto& [name, kind] : kinds) {
        if (name == word) {
            event.kind = kind;
            known = true;
        }
    }
    if (!known) {
        return std::nullopt;
    }
    event.generation = line.number("generation").value_or(0);
    event.reason = reason_of(line);
    event.vmm = identity(line, "vmm");
    event.exit = exit_status(line);
    event.delay_ms = line.number("delay_ms").value_or(0);
    event.memory = line.number("memory").value_or(0);
    event.detail =
        api::escape_terminal(line.text("detail").substr(0, 8192), api::EscapeLayout::keep_lines);
    return event;
}

KeeperStatus to_status(const Message& answer) {
    KeeperStatus status;
    const auto keeper = identity(answer, "keeper");
    if (!keeper) {
        throw ProtocolError(answer.word + " without keeper_pid");
    }
    status.keeper = *keeper;
    status.vmm = identity(answer, "vmm");
    status.generation = need(answer, "generation");
    const auto state = api::from_name<api::State>(answer.text("state"));
    if (!state) {
        throw ProtocolError(answer.word + ": unknown state");
    }
    status.state = *state;
    status.reason = reason_of(answer);
    status.started_ms = need(answer, "started_ms");
    status.generation_started_ms = need(answer, "generation_started_ms");
    status.last_event_seq = need(answer, "seq");
    status.suspended = answer.flag("suspended");
    return status;
}

keeper::Policy to_policy(const domain::EndPolicy& policy) {
    keeper::Policy result;
    result.on_poweroff = api::to_name(policy.on_poweroff);
    result.on_reboot = api::to_name(policy.on_reboot);
    result.on_crash = api::to_name(policy.on_crash);
    result.restart = api::to_name(policy.restart.policy);
    result.delay_ms = std::int64_t{policy.restart.delay_s} * 1000;
    result.max_delay_ms = std::int64_t{policy.restart.max_delay_s} * 1000;
    result.limit = policy.restart.limit;
    result.window_ms = std::int64_t{policy.restart.window_s} * 1000;
    result.exit_port = policy.exit_port ? 1 : 0;
    return result;
}

api::Error to_error(const Message& answer, std::string_view what) {
    api::ErrorCode code = api::ErrorCode::failed;
    for (const auto& [name, value] : codes) {
        if (name == answer.text("code")) {
            code = value;
        }
    }
    std::string message = "Cannot " + std::string(what) + ": " +
                          api::escape_terminal(answer.text("message").substr(0, 4096));
    if (code == api::ErrorCode::busy && answer.find("writer") != nullptr) {
        return {code, "The console is in use by " + api::escape_terminal(answer.text("writer")),
                "read along without --write, or take it over with --steal"};
    }
    return {code, std::move(message)};
}

std::optional<KeeperState> read_keeper_state(const std::string& run_dir) {
    try {
        std::string text =
            posix::read_file(run_dir + "/" + keeper::state_file, keeper::longest_line);
        if (text.empty() || text.back() != '\n') {
            return std::nullopt;
        }
        text.pop_back();
        const Message line = keeper::decode(text);
        if (line.word != "state") {
            return std::nullopt;
        }
        return KeeperState{
            identity(line, "keeper"), identity(line, "vmm"), line.number("generation").value_or(0),
            line.text("boot_id"),     line.text("nonce"),    line.text("uuid")};
    } catch (const std::system_error&) {
        return std::nullopt;
    } catch (const ProtocolError&) {
        return std::nullopt;
    }
}

std::vector<KeeperEvent> read_journal(const std::string& run_dir, std::int64_t since) {
    std::vector<KeeperEvent> events;
    std::string text;
    try {
        text = posix::read_file(run_dir + "/" + keeper::events_file, largest_file);
    } catch (const std::system_error&) {
        return events;
    }
    std::string_view rest = text;
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        try {
            const auto event = to_event(keeper::decode(rest.substr(0, end)));
            if (event && event->seq > since) {
                events.push_back(*event);
            }
        } catch (const ProtocolError&) {
            break; // torn by a crash: nothing behind it is in order
        }
        rest.remove_prefix(end + 1);
    }
    return events;
}

void write_launch_note(const std::string& run_dir, const LaunchNote& note) {
    Message line("launch");
    line.set("accelerator", api::to_name(note.accelerator)).set("vmm", note.vmm_version);
    line.set("agent", note.agent ? 1 : 0).set("kernel", note.kernel);
    const posix::Fd file =
        posix::open_file(run_dir + "/launch", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix::write_all(file.get(), keeper::encode(line), posix::Deadline::never(),
                     "write launch note");
}

LaunchNote read_launch_note(const std::string& run_dir) {
    LaunchNote note;
    try {
        std::string text = posix::read_file(run_dir + "/launch", 4096);
        if (!text.empty() && text.back() == '\n') {
            text.pop_back();
        }
        const Message line = keeper::decode(text);
        note.accelerator =
            api::from_name<api::Accelerator>(line.text("accelerator")).value_or(note.accelerator);
        note.vmm_version = line.text("vmm");
        note.agent = line.flag("agent");
        note.kernel = line.text("kernel");
    } catch (const std::system_error&) { // NOLINT: a keeper of an older daemon has none
    } catch (const ProtocolError&) {     // NOLINT: the same
    }
    return note;
}

} // namespace mshv::vmm
