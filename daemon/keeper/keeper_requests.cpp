// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/keeper.hpp"

#include <algorithm>
#include <array>

namespace mshv::keeper {

using posix::Deadline;
using std::chrono::milliseconds;

namespace {

constexpr std::int64_t default_timeout_ms = 5000;

} // namespace

struct Keeper::Request {
    std::string_view word;
    void (Keeper::*handler)(const Asker&, const Message&);
};

void Keeper::handle(const Asker& asker, const Message& request, std::deque<posix::Fd>& fds) {
    static constexpr std::array<Request, 13> table{{
        {"hello", &Keeper::ask_hello},
        {"status", &Keeper::ask_status},
        {"resume", &Keeper::ask_resume},
        {"pause", &Keeper::ask_pause},
        {"makeup", &Keeper::ask_makeup},
        {"unplug", &Keeper::ask_unplug},
        {"pin", &Keeper::ask_pin},
        {"kill", &Keeper::ask_kill},
        {"reset", &Keeper::ask_reset},
        {"expect", &Keeper::ask_expect},
        {"set-policy", &Keeper::ask_set_policy},
        {"ack", &Keeper::ask_ack},
        {"release", &Keeper::ask_release},
    }};
    for (const auto& entry : table) {
        if (entry.word == request.word) {
            (this->*entry.handler)(asker, request);
            return;
        }
    }
    if (request.word == "console") {
        ask_console(asker, request, fds);
    } else if (request.word == "qmp") {
        relay(asker, request, {});
    } else if (request.word == "qmp-fd") {
        if (fds.empty()) {
            control_.error(asker, "invalid", "No descriptor came with the request");
            return;
        }
        auto fd = std::move(fds.front());
        fds.pop_front();
        relay(asker, request, std::move(fd));
    } else if (request.word == "amend") {
        ask_amend(asker, request, fds);
    } else if (request.word == "ping") {
        control_.ok(asker);
    } else {
        control_.error(asker, "unsupported", "This keeper does not know '" + request.word + "'");
    }
}

void Keeper::put_status(Message& message) const {
    message.set("keeper_pid", journal_.keeper().pid)
        .set("keeper_ticks", static_cast<std::int64_t>(journal_.keeper().start_ticks))
        .set("boot_id", journal_.boot_id());
    if (child_) {
        message.set("vmm_pid", child_->identity().pid)
            .set("vmm_ticks", static_cast<std::int64_t>(child_->identity().start_ticks));
    }
    message.set("generation", generation_)
        .set("state", state())
        .set("reason", reason_)
        .set("started_ms", started_ms_)
        .set("generation_started_ms", generation_started_ms_)
        .set("seq", journal_.last_seq())
        .set("ready", monitor_.ready() ? 1 : 0)
        .set("responsive", monitor_.responsive() ? 1 : 0)
        .set("console_bytes", console_ ? static_cast<std::int64_t>(console_->bytes()) : 0)
        .set("console_lost", console_ ? console_->lost() : 0)
        .set("readers", console_ ? static_cast<std::int64_t>(console_->readers()) : 0)
        .set("writer", console_ ? console_->writer() : std::string())
        .set("qmp_fd", 1)
        .set("suspended", asleep_ ? 1 : 0);
}

void Keeper::ask_hello(const Asker& asker, const Message& request) {
    if (request.number("proto").value_or(0) != protocol_version) {
        control_.error(asker, "unsupported",
                       "This keeper speaks protocol " + std::to_string(protocol_version));
        return;
    }
    const auto since = request.number("since").value_or(0);
    Message answer("ok");
    answer.set("proto", protocol_version)
        .set("nonce", spec_.nonce)
        .set("lost", journal_.lost_since(since));
    put_status(answer);
    control_.answer(asker, std::move(answer));
    control_.subscribe(asker, journal_, since);
}

void Keeper::ask_status(const Asker& asker, const Message&) {
    Message answer("ok");
    put_status(answer);
    control_.answer(asker, std::move(answer));
}

void Keeper::ask_resume(const Asker& asker, const Message&) {
    const bool coming =
        phase_ == Phase::waiting || (phase_ == Phase::starting && !monitor_.ready());
    if (coming) {
        run_when_ready_ = true;
        answer_told(asker);
    } else if (phase_ == Phase::starting || phase_ == Phase::live) {
        continue_vps(asker);
    } else {
        control_.error(asker, "wrong_state", "The partition is " + state());
    }
}

void Keeper::ask_pause(const Asker& asker, const Message&) {
    const bool coming =
        phase_ == Phase::waiting || (phase_ == Phase::starting && !monitor_.ready());
    if (coming) {
        run_when_ready_ = false;
        answer_told(asker);
        return;
    }
    if (phase_ != Phase::live) {
        control_.error(asker, "wrong_state", "The partition is " + state());
        return;
    }
    next_stop_reason_ = reason::user;
    monitor_.send(R"({"execute":"stop"})",
                  [this, asker](ReplyKind kind, const QmpLine& scanned, std::string_view line) {
                      if (kind == ReplyKind::returned) {
                          set_vps(Vps::stopped, reason::user);
                          answer_told(asker);
                      } else if (kind == ReplyKind::error) {
                          control_.error(asker, "failed", "The VMM did not stop: " + scanned.text);
                      } else {
                          control_.error(asker, code_for(kind), line);
                      }
                  });
}

void Keeper::wait_for_end(const Asker& asker, const Message& request, bool reset) {
    const auto timeout = request.number("timeout_ms").value_or(default_timeout_ms);
    waiters_.push_back(
        {asker, Deadline::after(milliseconds(std::clamp<std::int64_t>(timeout, 0, 3600000))),
         reset});
    check_waiters();
}

void Keeper::ask_kill(const Asker& asker, const Message& request) {
    if (phase_ == Phase::finished) {
        control_.ok(asker);
        return;
    }
    const auto* given = request.find("reason");
    const std::string why = given == nullptr ? reason::destroyed : *given;
    if (phase_ == Phase::waiting) {
        waiters_.push_back({asker, Deadline::never(), false});
        last_detail_ = "Ended while it waited for its restart";
        finish(why);
        return;
    }
    cause_ = EndCause{EndCause::Kind::final, why};
    if (phase_ == Phase::preserved) {
        phase_ = Phase::ending;
    }
    kill_vmm();
    mark_state();
    wait_for_end(asker, request, false);
}

void Keeper::ask_reset(const Asker& asker, const Message& request) {
    const bool final = phase_ == Phase::ending && cause_ && cause_->kind == EndCause::Kind::final;
    if (phase_ == Phase::finished || final) {
        control_.error(asker, "wrong_state", "The partition is " + state());
        return;
    }
    // A guest that stands paused stays so.
    run_when_ready_ = run_when_ready_ && !(phase_ == Phase::live && vps_ == Vps::stopped);
    if (phase_ == Phase::waiting) {
        waiters_.push_back({asker, Deadline::never(), true});
        start_generation(reason::user);
        return;
    }
    cause_ = EndCause{EndCause::Kind::reset, reason::user};
    phase_ = Phase::ending;
    kill_vmm();
    mark_state();
    wait_for_end(asker, request, true);
}

/// The end that was waited for is here: a new generation (`started`), or the final one.
void Keeper::answer_ended(bool started) {
    auto waiters = std::move(waiters_);
    waiters_.clear();
    for (auto& waiter : waiters) {
        if (waiter.reset == started) {
            Message answer("ok");
            control_.answer(waiter.asker, std::move(answer.set("generation", generation_)));
        } else if (waiter.reset) {
            control_.error(waiter.asker, "failed", "The partition ended: " + reason_);
        } else {
            waiters_.push_back(std::move(waiter)); // a kill came while a reset was under way
        }
    }
    check_waiters();
}

void Keeper::check_waiters() {
    Deadline next = Deadline::never();
    std::erase_if(waiters_, [&](const Waiter& waiter) {
        if (waiter.deadline.expired() && child_) {
            control_.error(waiter.asker, "timeout",
                           "The VMM was killed but is not gone: " +
                               describe_stuck(child_->identity().pid));
            return true;
        }
        if (waiter.deadline.point() < next.point()) {
            next = waiter.deadline;
        }
        return false;
    });
    waiters_timer_.arm(next);
}

void Keeper::ask_expect(const Asker& asker, const Message& request) {
    const std::string end = request.text("end");
    if (end != "shutdown" && end != "reboot" && end != "none") {
        control_.error(asker, "invalid", "Field end: unknown value");
        return;
    }
    expected_ = end == "shutdown" ? Expected::shutdown
                : end == "reboot" ? Expected::reboot
                                  : Expected::nothing;
    control_.ok(asker);
}

void Keeper::ask_set_policy(const Asker& asker, const Message& request) {
    spec_.policy = get_policy(request);
    judge_.set_policy(spec_.policy);
    control_.ok(asker);
}

void Keeper::ask_ack(const Asker& asker, const Message& request) {
    journal_.acknowledge(request.number("seq").value_or(0));
    control_.ok(asker);
}

void Keeper::ask_release(const Asker& asker, const Message&) {
    if (phase_ != Phase::finished) {
        control_.error(asker, "wrong_state", "The partition is " + state());
        return;
    }
    control_.ok(asker);
    leave();
}

void Keeper::ask_console(const Asker& asker, const Message& request, std::deque<posix::Fd>& fds) {
    if (fds.empty()) {
        control_.error(asker, "invalid", "No descriptor came with the request");
        return;
    }
    posix::Fd client = std::move(fds.front());
    fds.pop_front();
    if (!console_) {
        control_.error(asker, "wrong_state", "The partition has no console");
        return;
    }
    AttachRequest attach;
    attach.write = request.flag("write");
    attach.steal = request.flag("steal");
    attach.who = request.text("who");
    attach.early = request.text("early");
    attach.start.raw = request.flag("raw");
    attach.start.state = std::to_string(generation_) + " " + state();
    const auto offset = [&](std::string_view key) -> std::optional<std::uint64_t> {
        const auto value = request.number(key);
        return value ? std::optional(static_cast<std::uint64_t>(std::max<std::int64_t>(0, *value)))
                     : std::nullopt;
    };
    attach.start.replay = offset("replay");
    attach.start.since = offset("since");
    if (const auto holder = console_->conflict(attach)) {
        control_.answer(asker, Message("error")
                                   .set("code", "busy")
                                   .set("message", "The console is written to by " + holder->who)
                                   .set("writer", holder->who)
                                   .set("since_ms", holder->since_ms));
        return;
    }
    console_->attach(std::move(client), std::move(attach));
    control_.ok(asker);
}

// ---- what the launch spec asks of each VMM before it runs ----------------------------------

void Keeper::send_setup() {
    for (std::size_t i = 0; i < spec_.setup.size(); ++i) {
        monitor_.send(spec_.setup[i],
                      [this, i, generation = generation_](ReplyKind kind, const QmpLine& scanned,
                                                          std::string_view line) {
                          if (generation == generation_ && phase_ == Phase::starting) {
                              setup_done(i, kind, scanned, line);
                          }
                      });
    }
}

void Keeper::setup_done(std::size_t command, ReplyKind kind, const QmpLine& scanned,
                        std::string_view line) {
    if (kind == ReplyKind::returned) {
        if (command + 1 == spec_.setup.size() && !cause_) {
            vmm_ready();
        }
    } else if (kind != ReplyKind::gone && !cause_) { // its exit is told by itself
        const bool refused = kind == ReplyKind::error;
        start_failed((refused ? "The VMM refused " : "The VMM did not answer to ") +
                     spec_.setup[command] + ": " + (refused ? scanned.text : std::string(line)));
    }
}

} // namespace mshv::keeper
