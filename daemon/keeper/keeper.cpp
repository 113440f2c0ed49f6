// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/keeper.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mshv::keeper {

using console::FrameType;
using posix::Deadline;
using posix::ExitStatus;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Changes between running, paused and asleep that are told in one second; a VMM that claims more
/// of them is told of once a second.
constexpr unsigned most_vps_reports = 20;

/// Where a balloon has come to is told this long after it began to move, and again so long later.
constexpr seconds balloon_pause{2};

posix::Fd catch_signals() {
    sigset_t caught;
    ::sigemptyset(&caught);
    ::sigaddset(&caught, SIGCHLD);
    ::sigaddset(&caught, SIGTERM);
    posix::check(::sigprocmask(SIG_BLOCK, &caught, nullptr), "block signals");
    return posix::Fd{
        posix::check(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK), "create signalfd")};
}

std::string describe(const ExitStatus& status) {
    if (!status.signalled) {
        return "The VMM exited with status " + std::to_string(status.value);
    }
    const char* name = ::sigabbrev_np(status.value);
    return "The VMM was killed by signal " + std::to_string(status.value) +
           (name == nullptr ? "" : " (SIG" + std::string(name) + ")");
}

void put_exit(Message& message, const std::optional<ExitStatus>& status) {
    if (status) {
        message.set(status->signalled ? "exit_signal" : "exit_code", status->value);
    }
}

} // namespace

Keeper::Keeper(LaunchSpec spec, posix::Fd listener, std::vector<posix::Fd> vmm_fds)
    : spec_(std::move(spec)), affinity_(spec_.affinity), vmm_fds_(std::move(vmm_fds)),
      journal_(spec_), judge_(spec_.policy), errors_(spec_.run_dir + "/" + vmm_log_file),
      monitor_(loop_, spec_.monitor_source, milliseconds(spec_.liveness_ms), *this),
      control_(loop_, std::move(listener),
               [this](const Asker& asker, const Message& request, std::deque<posix::Fd>& fds) {
                   handle(asker, request, fds);
               }),
      signals_(catch_signals()),
      signal_watch_(loop_, signals_.get(), EPOLLIN, [this](std::uint32_t) { on_signal(); }),
      quit_timer_(loop_, [this] { kill_vmm(); }),
      respawn_timer_(loop_, [this] { start_generation(next_generation_why_); }),
      vps_timer_(loop_,
                 [this] {
                     vps_reports_ = 0;
                     report_vps();
                 }),
      waiters_timer_(loop_, [this] { check_waiters(); }),
      unplugs_timer_(loop_, [this] { check_unplugs(); }),
      leave_timer_(loop_, [this] { loop_.stop(); }),
      balloon_timer_(loop_, [this] { tell_balloon(); }) {
    if (spec_.console) {
        console_.emplace(loop_, spec_,
                         Console::Hooks{[this](const std::string& who) {
                                            emit("writer-changed", reason::none,
                                                 Message().set("detail", who));
                                        },
                                        [this](const std::string& text) { notice(text); },
                                        [this] {
                                            if (leaving_) {
                                                loop_.stop();
                                            }
                                        }});
    }
}

void Keeper::run() {
    started_ms_ = wall_clock_ms();
    start_generation(reason::started);
    loop_.run();
}

void Keeper::emit(std::string_view kind, const std::string& why, Message extra, bool durable) {
    Message event;
    event.set("kind", kind).set("generation", generation_).set("reason", why);
    std::move(extra.fields.begin(), extra.fields.end(), std::back_inserter(event.fields));
    const std::string line = journal_.append(std::move(event), durable);
    MSHV_CRASHPOINT("keeper.event.before_send");
    control_.publish(line);
}

/// For the log; a disk that fills and empties must not fill the journal.
void Keeper::notice(const std::string& text) {
    if (next_notice_.expired()) {
        next_notice_ = Deadline::after(seconds(10));
        emit("notice", reason::none, Message().set("detail", text));
    }
}

std::string Keeper::state() const {
    switch (phase_) {
    case Phase::starting:
        return generation_ > 1 ? "restarting" : "starting";
    case Phase::live:
        return vps_ == Vps::running ? "running" : "paused";
    case Phase::ending:
        return "stopping";
    case Phase::waiting:
        return "restarting";
    case Phase::preserved:
        return cause_ && cause_->kind == EndCause::Kind::crash ? "crashed" : "paused";
    case Phase::finished:
        return "shutoff";
    }
    return "shutoff";
}

void Keeper::mark_state() {
    if (console_) {
        console_->mark(FrameType::state, std::to_string(generation_) + " " + state());
    }
}

// ---- one generation ------------------------------------------------------------------------

void Keeper::start_generation(const std::string& why) {
    respawn_timer_.cancel();
    ++generation_;
    phase_ = Phase::starting;
    reason_ = why;
    cause_.reset();
    expected_ = Expected::nothing;
    panic_told_ = false;
    vps_ = told_vps_ = Vps::stopped;
    asleep_ = told_asleep_ = false;
    next_stop_reason_.clear();
    errors_.clear();
    generation_started_ms_ = wall_clock_ms();
    try {
        child_ = VmmChild::start(spec_);
        spec_.first_argv.clear(); // what it took its state from is no more
        journal_.write_state(generation_, child_->identity());
    } catch (const std::exception& error) {
        start_failed(error.what());
        return;
    }
    errors_watch_ = Watch(loop_, child_->errors().get(), EPOLLIN, [this](std::uint32_t) {
        if (read_errors().empty()) {
            errors_watch_.reset(); // closed
        }
    });
    const auto& vmm = child_->identity();
    emit("vmm-started", why,
         Message()
             .set("vmm_pid", vmm.pid)
             .set("vmm_ticks", static_cast<std::int64_t>(vmm.start_ticks)));
    if (console_ && generation_ > 1) {
        console_->mark(FrameType::notice, "Partition restarted (" + why + "), generation " +
                                              std::to_string(generation_));
    }
    mark_state();
    child_->open_gate();
    monitor_.start();
    answer_ended(true);
}

/// No process, or one that may not run because no record of it can be written.
void Keeper::start_failed(const std::string& text) {
    if (child_) {
        cause_ = EndCause{EndCause::Kind::crash, reason::vmm_failed};
        last_detail_ = text;
        kill_vmm(); // it waits at its gate; its exit goes the way of every other
        return;
    }
    generation_ended({EndCause::Kind::crash, reason::vmm_failed}, std::nullopt,
                     "The VMM cannot be started: " + text);
}

std::string Keeper::read_errors() {
    std::array<char, 4096> buffer; // NOLINT: filled by read
    const auto got = ::read(child_->errors().get(), buffer.data(), buffer.size());
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR ? "again" : "";
    }
    errors_.append({buffer.data(), static_cast<std::size_t>(got)});
    return {buffer.data(), static_cast<std::size_t>(got)};
}

void Keeper::on_signal() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM) {
            // The machine goes down, or an operator wants this partition gone: end it in order.
            leave_when_finished_ = true;
            if (phase_ == Phase::finished) {
                leave();
            } else if (phase_ == Phase::waiting) {
                finish(reason::vmm_killed);
            } else {
                cause_ = EndCause{EndCause::Kind::final, reason::vmm_killed};
                end_vmm_orderly();
            }
        }
    }
    on_children();
}

void Keeper::on_children() {
    for (;;) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            return;
        }
        if (child_ && pid == child_->identity().pid) {
            vmm_exited(WIFSIGNALED(status) ? ExitStatus{true, WTERMSIG(status)}
                                           : ExitStatus{false, WEXITSTATUS(status)});
        } // else an orphan of the VMM
    }
}

void Keeper::vmm_exited(const ExitStatus& status) {
    MSHV_CRASHPOINT("keeper.vmm.exited");
    quit_timer_.cancel();
    monitor_.stop(); // reads what it said last, which may be the cause
    errors_watch_.reset();
    constexpr int most_reads = 64;
    for (int i = 0; i < most_reads; ++i) {
        const auto piece = read_errors();
        if (piece.empty() || piece == "again") {
            break;
        }
    }
    child_.reset();
    balloon_.reset();
    balloon_timer_.cancel();
    forget_unplugs();
    kill_orphans();
    if (console_) {
        console_->vmm_ended();
    }
    try {
        journal_.write_state(generation_, std::nullopt);
    } catch (const std::exception& error) {
        notice(std::string("State record: ") + error.what());
    }
    std::string why = describe(status);
    if (!last_detail_.empty()) {
        why = std::exchange(last_detail_, {}) + "\n" + why;
    }
    generation_ended(
        cause_.value_or(cause_of_exit(status.signalled, status.value, spec_.policy.exit_port != 0)),
        status, why);
}

void Keeper::generation_ended(const EndCause& ended, const std::optional<ExitStatus>& status,
                              const std::string& why) {
    EndCause cause = ended;
    if (!ever_ready_ && cause.kind != EndCause::Kind::final &&
        cause.kind != EndCause::Kind::reset) {
        cause = {EndCause::Kind::final, reason::start_failed};
    } else if (phase_ == Phase::preserved) {
        cause.kind = EndCause::Kind::final; // it was to be looked at, not to be run again
    }
    cause_ = cause;
    last_exit_ = status;
    const std::string words = errors_.text();
    Message extra;
    put_exit(extra, status);
    last_detail_.clear();
    const std::string detail = why + (words.empty() ? "" : "\n" + words);
    extra.set("detail", detail);
    const auto verdict = judge_.judge(cause, expected_, EndJudge::Time::clock::now());
    const bool gives_up = verdict.reason == reason::restart_limit;
    emit("vmm-exited",
         verdict.action == Verdict::Action::finish && !gives_up ? verdict.reason : cause.reason,
         std::move(extra), true);
    if (verdict.action == Verdict::Action::finish) {
        last_detail_ = gives_up ? "Restart limit reached; the last end: " + detail : detail;
        finish(verdict.reason);
        return;
    }
    phase_ = Phase::waiting;
    reason_ = cause.reason;
    next_generation_why_ = verdict.reason;
    emit("respawn-wait", cause.reason, Message().set("delay_ms", verdict.delay.count()));
    mark_state();
    respawn_timer_.arm(Deadline::after(verdict.delay));
}

/// The guest is over, its VMM still stands there, stopped.
void Keeper::guest_ended(const EndCause& cause) {
    if (phase_ == Phase::ending || phase_ == Phase::preserved || !child_) {
        return; // the first cause is the true one
    }
    cause_ = cause;
    vps_ = Vps::stopped;
    vps_timer_.cancel();
    if (judge_.preserves(cause, expected_)) {
        phase_ = Phase::preserved;
        reason_ = cause.reason;
        emit("paused", cause.reason, Message().set("detail", "kept by the policy 'preserve'"));
        if (console_) {
            console_->mark(FrameType::notice, "Partition ended (" + cause.reason + ") and is kept");
        }
        mark_state();
        return;
    }
    end_vmm_orderly();
}

/// Lets the VMM close its disks, but not for ever.
void Keeper::end_vmm_orderly() {
    phase_ = Phase::ending;
    mark_state();
    quit_timer_.arm(Deadline::after(milliseconds(spec_.quit_ms)));
    MSHV_CRASHPOINT("keeper.quit.before");
    monitor_.send(R"({"execute":"quit"})",
                  [this](ReplyKind kind, const QmpLine&, std::string_view) {
                      if (kind == ReplyKind::error || kind == ReplyKind::faulty) {
                          kill_vmm();
                      }
                  });
    MSHV_CRASHPOINT("keeper.quit.after");
}

void Keeper::kill_vmm() {
    phase_ = phase_ == Phase::preserved ? phase_ : Phase::ending;
    if (child_) {
        MSHV_CRASHPOINT("keeper.kill.before");
        child_->pidfd().signal(SIGKILL);
        MSHV_CRASHPOINT("keeper.kill.after");
    }
}

void Keeper::finish(const std::string& final_reason) {
    respawn_timer_.cancel();
    vps_timer_.cancel();
    phase_ = Phase::finished;
    reason_ = final_reason;
    vmm_fds_.clear(); // disks, their locks and taps are free from here on
    Message record("exit");
    record.set("at_ms", wall_clock_ms()).set("reason", final_reason).set("generation", generation_);
    put_exit(record, last_exit_);
    record.set("started_ms", started_ms_).set("detail", last_detail_);
    journal_.write_exit(record);
    Message extra;
    put_exit(extra, last_exit_);
    extra.set("detail", last_detail_);
    emit("finished", final_reason, std::move(extra), true);
    if (console_) {
        mark_state();
        console_->finish(final_reason);
    }
    answer_ended(false);
    if (leave_when_finished_) {
        leave();
    }
}

/// The clients of the console get a moment to take what is left for them.
void Keeper::leave() {
    leaving_ = true;
    if (!console_ || !console_->has_clients()) {
        loop_.stop();
    } else {
        leave_timer_.arm(Deadline::after(seconds(2)));
    }
}

// ---- what the VMM says ---------------------------------------------------------------------

void Keeper::monitor_ready() {
    if (phase_ == Phase::starting && !affinity_.text().empty()) {
        try {
            affinity_.apply(child_->identity().pid);
        } catch (const std::exception& error) {
            if (!ever_ready_) {
                start_failed("The virtual processors cannot be pinned: " +
                             std::string(error.what()));
                return;
            }
            // Processors have gone offline since: no reason to end a guest.
            notice("The virtual processors are not pinned: " + std::string(error.what()));
        }
    }
    if (phase_ == Phase::starting && !spec_.setup.empty()) {
        send_setup();
    } else {
        vmm_ready();
    }
}

void Keeper::vmm_ready() {
    ever_ready_ = true;
    if (phase_ != Phase::starting) {
        return;
    }
    emit("ready", reason::none, Message());
    if (run_when_ready_) {
        continue_vps({});
    } else if (generation_ > 1) {
        phase_ = Phase::live;
        emit("paused", reason::user, Message());
        mark_state();
    }
}

void Keeper::continue_vps(const Asker& asker) {
    MSHV_CRASHPOINT("keeper.cont.before");
    monitor_.send(R"({"execute":"cont"})", [this, asker](ReplyKind kind, const QmpLine& scanned,
                                                         std::string_view line) {
        if (kind == ReplyKind::returned) {
            run_when_ready_ = true;
            set_vps(Vps::running, reason::none);
            answer_told(asker);
        } else if (kind == ReplyKind::error) {
            control_.error(asker, "failed", "The VMM refused to run: " + scanned.text);
        } else {
            control_.error(asker, kind == ReplyKind::gone ? "vmm_gone" : "vmm_faulty", line);
        }
    });
    MSHV_CRASHPOINT("keeper.cont.after");
}

void Keeper::set_vps(Vps vps, const std::string& why) {
    if (phase_ != Phase::starting && phase_ != Phase::live) {
        return;
    }
    if (phase_ == Phase::starting && vps == Vps::stopped) {
        return; // they have not run yet
    }
    const bool first = phase_ == Phase::starting;
    phase_ = Phase::live;
    if (vps == vps_ && !first) {
        return;
    }
    vps_ = vps;
    vps_reason_ = why;
    report_vps();
}

/// A guest that sleeps is not paused: its VPs stand still until something wakes it.
void Keeper::set_asleep(bool asleep) {
    if (phase_ == Phase::live) {
        asleep_ = asleep;
        report_vps();
    }
}

void Keeper::report_vps() {
    if (vps_ == told_vps_ && asleep_ == told_asleep_) {
        return;
    }
    if (!vps_timer_.armed()) {
        vps_timer_.arm(Deadline::after(seconds(1)));
    }
    if (++vps_reports_ > most_vps_reports) {
        return; // the timer tells what it has come to
    }
    tell_vps();
}

void Keeper::tell_vps() {
    if (phase_ != Phase::live) {
        return;
    }
    if (std::exchange(told_asleep_, asleep_) != asleep_) {
        emit(asleep_ ? "suspended" : "awake", reason::none, Message());
    }
    if (std::exchange(told_vps_, vps_) != vps_) {
        reason_ = vps_reason_;
        emit(vps_ == Vps::running ? "running" : "paused", vps_reason_, Message());
        mark_state();
    }
}

/// What somebody asked for is not held back: the answer names an event behind it.
void Keeper::answer_told(const Asker& asker) {
    tell_vps();
    control_.answer(asker, Message("ok").set("seq", journal_.last_seq()));
}

/// Where the VPs stand already, as for transfers that were under way when they stopped, no STOP
/// follows: a later one would be of another reason.
void Keeper::stops_for(const char* why) {
    if (vps_ == Vps::running) {
        next_stop_reason_ = why;
    }
}

void Keeper::monitor_event(const QmpLine& line) {
    if (line.event == "SHUTDOWN") {
        guest_ended(cause_of_shutdown(line.reason));
    } else if (line.event == "GUEST_PANICKED") {
        if (!std::exchange(panic_told_, true) && phase_ == Phase::live) {
            emit("guest-panicked", reason::guest_panic, Message().set("detail", line.action));
        }
        if (line.action != "run") { // with `run` the guest goes on, e.g. to dump itself
            guest_ended({EndCause::Kind::crash, reason::guest_panic});
        }
    } else if (line.event == "STOP") {
        const auto why = std::exchange(next_stop_reason_, {});
        set_vps(Vps::stopped, why.empty() ? reason::user : why);
    } else if (line.event == "SUSPEND" || line.event == "WAKEUP") {
        set_asleep(line.event == "SUSPEND");
    } else if (line.event == "RESUME") {
        set_vps(Vps::running, reason::none);
    } else if (line.event == "BLOCK_IO_ERROR" && line.action == "stop") {
        stops_for(reason::io_error);
    } else if (line.event == "WATCHDOG" && line.action == "pause") {
        stops_for(reason::watchdog);
    } else if (line.event == "DEVICE_DELETED" || line.event == "DEVICE_UNPLUG_GUEST_ERROR") {
        unplug_ended(line);
    } else if (line.event == "BALLOON_CHANGE" && line.actual) {
        balloon_moved(*line.actual);
    }
}

/// A balloon on its way, or a guest that plays with it, must not fill the journal.
void Keeper::balloon_moved(std::int64_t bytes) {
    balloon_ = bytes;
    if (!balloon_timer_.armed()) {
        balloon_timer_.arm(Deadline::after(balloon_pause));
    }
}

void Keeper::tell_balloon() {
    if (balloon_ && child_) {
        emit("balloon", reason::none, Message().set("memory", *balloon_));
        balloon_.reset();
    }
}

void Keeper::monitor_responsive(bool responsive, std::string_view detail) {
    if (phase_ != Phase::ending) {
        emit(responsive ? "responsive" : "unresponsive", reason::none,
             Message().set("detail", detail));
    }
}

} // namespace mshv::keeper
