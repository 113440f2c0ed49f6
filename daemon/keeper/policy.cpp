// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/policy.hpp"

#include <algorithm>
#include <array>
#include <csignal>

namespace mshv::keeper {

using Kind = EndCause::Kind;

EndCause cause_of_shutdown(std::string_view qmp_reason) {
    struct Row {
        std::string_view word;
        Kind kind;
        const char* reason;
    };
    static constexpr std::array<Row, 9> table{{
        {"guest-shutdown", Kind::poweroff, reason::guest_poweroff},
        {"host-ui", Kind::poweroff, reason::guest_poweroff},
        {"guest-reset", Kind::reboot, reason::guest_reboot},
        {"host-qmp-system-reset", Kind::reboot, reason::guest_reboot},
        {"subsystem-reset", Kind::reboot, reason::guest_reboot},
        {"guest-panic", Kind::crash, reason::guest_panic},
        {"host-signal", Kind::crash, reason::vmm_killed},
        {"host-qmp-quit", Kind::final, reason::destroyed},
        {"host-error", Kind::crash, reason::vmm_failed},
    }};
    for (const auto& row : table) {
        if (row.word == qmp_reason) {
            return {row.kind, row.reason};
        }
    }
    return {Kind::crash, reason::vmm_failed};
}

EndCause cause_of_exit(bool signalled, int value, bool exit_port) {
    if (exit_port && !signalled && value % 2 != 0 && value != 1) {
        return {Kind::poweroff, reason::guest_poweroff};
    }
    // Signals that a process raises by its own fault, or seccomp's; any other came from somebody.
    static constexpr std::array<int, 8> faults{SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
                                               SIGABRT, SIGTRAP, SIGSYS, SIGXCPU};
    const bool own = std::find(faults.begin(), faults.end(), value) != faults.end();
    return {Kind::crash, signalled && !own ? reason::vmm_killed : reason::vmm_failed};
}

const std::string& EndJudge::action_for(Kind kind) const {
    switch (kind) {
    case Kind::poweroff:
        return policy_.on_poweroff;
    case Kind::reboot:
        return policy_.on_reboot;
    default:
        return policy_.on_crash;
    }
}

bool EndJudge::preserves(const EndCause& cause, Expected expected) const {
    if (cause.kind == Kind::final || cause.kind == Kind::reset ||
        (cause.kind == Kind::reboot && expected == Expected::reboot)) {
        return false;
    }
    return action_for(cause.kind) == "preserve";
}

bool EndJudge::respawns(const EndCause& cause, Expected expected) const {
    switch (cause.kind) {
    case Kind::final:
        return false;
    case Kind::reset:
        return true;
    case Kind::reboot:
        return expected == Expected::reboot || policy_.on_reboot == "restart";
    case Kind::poweroff:
        return expected != Expected::shutdown &&
               (policy_.on_poweroff == "restart" || policy_.restart == "always");
    case Kind::crash:
        return expected != Expected::shutdown &&
               (policy_.on_crash == "restart" || policy_.restart != "never");
    }
    return false;
}

Verdict EndJudge::judge(const EndCause& cause, Expected expected, Time now) {
    using std::chrono::milliseconds;
    if (!respawns(cause, expected)) {
        const bool asked = cause.kind == Kind::poweroff && expected == Expected::shutdown;
        return {Verdict::Action::finish, {}, asked ? reason::shutdown : cause.reason};
    }
    if (cause.kind == Kind::reset) {
        return {Verdict::Action::respawn, {}, reason::user};
    }
    while (!recent_.empty() && now - recent_.front().at >= milliseconds(policy_.window_ms)) {
        recent_.pop_front();
    }
    if (recent_.size() >= static_cast<std::size_t>(policy_.limit)) {
        return {Verdict::Action::finish, {}, reason::restart_limit};
    }
    const bool delayed = cause.kind != Kind::reboot;
    milliseconds delay{0};
    if (delayed) {
        delay = milliseconds(std::min(policy_.delay_ms, policy_.max_delay_ms));
        for (const auto& earlier : recent_) {
            if (earlier.delayed) {
                delay = std::min(delay * 2, milliseconds(policy_.max_delay_ms));
            }
        }
    }
    recent_.push_back({now, delayed});
    return {Verdict::Action::respawn, delay,
            cause.kind == Kind::reboot ? reason::guest_reboot : reason::restarted};
}

} // namespace mshv::keeper
