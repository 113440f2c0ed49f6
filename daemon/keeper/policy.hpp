// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/protocol.hpp"

#include <chrono>
#include <deque>
#include <string>
#include <string_view>

namespace mshv::keeper {

/// Words of api::Reason that the keeper uses.
namespace reason {
inline constexpr const char* none = "none";
inline constexpr const char* started = "started";
inline constexpr const char* restarted = "restarted";
inline constexpr const char* user = "user";
inline constexpr const char* guest_reboot = "guest-reboot";
inline constexpr const char* guest_poweroff = "guest-poweroff";
inline constexpr const char* guest_panic = "guest-panic";
inline constexpr const char* shutdown = "shutdown";
inline constexpr const char* destroyed = "destroyed";
inline constexpr const char* vmm_failed = "vmm-failed";
inline constexpr const char* vmm_killed = "vmm-killed";
inline constexpr const char* start_failed = "start-failed";
inline constexpr const char* restart_limit = "restart-limit";
inline constexpr const char* io_error = "io-error";
inline constexpr const char* watchdog = "watchdog";
} // namespace reason

/// What the daemon has asked the guest for.
enum class Expected { nothing, shutdown, reboot };

/// How a generation ended.
struct EndCause {
    enum class Kind {
        poweroff, ///< the guest's own
        reboot,   ///< the guest's own, or system_reset
        crash,    ///< the guest's or the VMM's
        reset,    ///< commanded: a new generation at once
        final,    ///< commanded, or never started: nothing follows
    };
    Kind kind = Kind::crash;
    std::string reason = reason::vmm_failed;
    bool operator==(const EndCause&) const = default;
};

/// What a SHUTDOWN event's reason means. Empty reasons and unknown ones are the VMM's failure.
EndCause cause_of_shutdown(std::string_view qmp_reason);
/// What the end of a process that announced nothing means.
/// `exit_port`: the guest has one, and an odd status is its own word.
EndCause cause_of_exit(bool signalled, int value, bool exit_port = false);

struct Verdict {
    enum class Action { finish, respawn };
    Action action = Action::finish;
    std::chrono::milliseconds delay{0};
    std::string reason; ///< final reason, or why the next generation starts
};

/// Decides what follows the end of a generation: EndPolicy and RestartPolicy with their brake.
/// Pure: time is given, nothing is done. Every respawn that nobody commanded counts towards the
/// limit; the delay of those that are no reboot doubles with each of them inside the window.
class EndJudge {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit EndJudge(Policy policy) : policy_(std::move(policy)) {}
    void set_policy(Policy policy) { policy_ = std::move(policy); }

    /// Shall a VMM that still stands be left standing?
    [[nodiscard]] bool preserves(const EndCause& cause, Expected expected) const;
    Verdict judge(const EndCause& cause, Expected expected, Time now);

private:
    [[nodiscard]] const std::string& action_for(EndCause::Kind kind) const;
    [[nodiscard]] bool respawns(const EndCause& cause, Expected expected) const;

    struct Respawn {
        Time at;
        bool delayed = false;
    };
    Policy policy_;
    std::deque<Respawn> recent_;
};

} // namespace mshv::keeper
