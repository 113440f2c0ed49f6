// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/affinity.hpp"
#include "daemon/keeper/console.hpp"
#include "daemon/keeper/control.hpp"
#include "daemon/keeper/error_tail.hpp"
#include "daemon/keeper/journal.hpp"
#include "daemon/keeper/loop.hpp"
#include "daemon/keeper/monitor.hpp"
#include "daemon/keeper/policy.hpp"
#include "daemon/keeper/vmm_child.hpp"

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace mshv::keeper {

/// One partition's life: generation after generation of its VMM, until an end that is final, and
/// then waiting with the record of it until a daemon has taken it. One thread; nothing here waits.
class Keeper final : private MonitorListener {
public:
    /// `vmm_fds` are the sources of spec.fds, owned from here on.
    Keeper(LaunchSpec spec, posix::Fd listener, std::vector<posix::Fd> vmm_fds);

    /// Starts the VMM; returns when a daemon has released the keeper.
    void run();

private:
    enum class Phase {
        starting,  ///< a VMM is there whose VPs have not run yet
        live,      ///< running or paused
        ending,    ///< the VMM is being ended, cause_ says why
        waiting,   ///< for the next generation
        preserved, ///< the guest has ended, its VMM stands for inspection
        finished,
    };
    enum class Vps { stopped, running };

    // keeper.cpp: the life
    void start_generation(const std::string& why);
    void start_failed(const std::string& text);
    void on_children();
    void vmm_exited(const posix::ExitStatus& status);
    void generation_ended(const EndCause& cause, const std::optional<posix::ExitStatus>& status,
                          const std::string& why);
    void guest_ended(const EndCause& cause);
    void end_vmm_orderly();
    void kill_vmm();
    void finish(const std::string& final_reason);
    void set_vps(Vps vps, const std::string& why);
    void stops_for(const char* why);
    void set_asleep(bool asleep);
    void report_vps();
    void tell_vps();
    void answer_told(const Asker& asker);
    void continue_vps(const Asker& asker);
    void balloon_moved(std::int64_t bytes);
    void tell_balloon();
    std::string read_errors();
    void monitor_ready() override;
    void monitor_event(const QmpLine& line) override;
    void monitor_responsive(bool responsive, std::string_view detail) override;
    void emit(std::string_view kind, const std::string& why, Message extra, bool durable = false);
    void notice(const std::string& text);
    [[nodiscard]] std::string state() const;
    void mark_state();
    void on_signal();
    void leave();

    // keeper_requests.cpp: what daemons ask
    struct Request;
    void handle(const Asker& asker, const Message& request, std::deque<posix::Fd>& fds);
    void ask_hello(const Asker& asker, const Message& request);
    void ask_status(const Asker& asker, const Message& request);
    void ask_resume(const Asker& asker, const Message& request);
    void ask_pause(const Asker& asker, const Message& request);
    void ask_kill(const Asker& asker, const Message& request);
    void ask_reset(const Asker& asker, const Message& request);
    void ask_expect(const Asker& asker, const Message& request);
    void ask_set_policy(const Asker& asker, const Message& request);
    void ask_ack(const Asker& asker, const Message& request);
    void ask_release(const Asker& asker, const Message& request);
    void ask_console(const Asker& asker, const Message& request, std::deque<posix::Fd>& fds);
    void put_status(Message& message) const;
    void wait_for_end(const Asker& asker, const Message& request, bool reset);
    void answer_ended(bool started);
    void check_waiters();
    void send_setup();
    void setup_done(std::size_t command, ReplyKind kind, const QmpLine& scanned,
                    std::string_view line);
    void vmm_ready();

    // keeper_devices.cpp: what a VMM is made of may change while it runs
    void relay(const Asker& asker, const Message& request, posix::Fd fd);
    void ask_makeup(const Asker& asker, const Message& request);
    void ask_amend(const Asker& asker, const Message& request, std::deque<posix::Fd>& fds);
    void ask_unplug(const Asker& asker, const Message& request);
    void ask_pin(const Asker& asker, const Message& request);
    void restore_affinity();
    void unplug_ended(const QmpLine& line);
    std::string device_of(const QmpLine& line);
    void check_unplugs();
    void forget_unplugs();

    struct Waiter {
        Asker asker;
        posix::Deadline deadline;
        bool reset = false;
    };

    /// Somebody waits for a guest to let go of a device.
    struct Unplug {
        Asker asker;
        std::string device;
        posix::Deadline deadline;
    };

    LaunchSpec spec_;
    Affinity affinity_;
    std::vector<posix::Fd> vmm_fds_;
    Loop loop_;
    Journal journal_;
    EndJudge judge_;
    ErrorTail errors_;
    std::optional<Console> console_;
    Monitor monitor_;
    Control control_;
    posix::Fd signals_;
    Watch signal_watch_;

    Phase phase_ = Phase::starting;
    std::optional<VmmChild> child_;
    Watch errors_watch_;
    std::int64_t generation_ = 0;
    std::int64_t started_ms_ = 0, generation_started_ms_ = 0;
    std::string reason_ = reason::started;
    std::optional<EndCause> cause_; ///< known before the process ends
    std::optional<posix::ExitStatus> last_exit_;
    std::string last_detail_;
    Expected expected_ = Expected::nothing;
    bool ever_ready_ = false;
    bool panic_told_ = false;
    bool run_when_ready_ = false;
    bool leave_when_finished_ = false;
    bool leaving_ = false;
    Vps vps_ = Vps::stopped, told_vps_ = Vps::stopped;
    bool asleep_ = false, told_asleep_ = false; ///< the guest, in RAM (ACPI S3)
    std::string vps_reason_, next_stop_reason_;
    unsigned vps_reports_ = 0; ///< in the present second
    std::optional<std::int64_t> balloon_; ///< bytes that it leaves the guest, not told yet
    std::string next_generation_why_;
    std::vector<Waiter> waiters_;
    std::vector<Unplug> unplugs_;
    std::string gone_by_part_; ///< of which a part was told of last
    posix::Deadline next_notice_ = posix::Deadline::after(std::chrono::milliseconds(0));
    Timer quit_timer_, respawn_timer_, vps_timer_, waiters_timer_, unplugs_timer_, leave_timer_,
        balloon_timer_;
};

} // namespace mshv::keeper
