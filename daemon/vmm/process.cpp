// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/process.hpp"

#include "daemon/vmm/proc.hpp"
#include "daemon/vmm/qemu/accelerator.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <array>
#include <csignal>

namespace mshv::vmm {
namespace {

using keeper::Message;

/// What a keeper is given to end its VMM before the daemon does it itself.
constexpr auto keeper_grace = std::chrono::seconds(3);

Deadline sooner(Deadline deadline, std::chrono::milliseconds span) {
    const auto soon = Deadline::after(span);
    return deadline.is_never() || soon.point() < deadline.point() ? soon : deadline;
}

} // namespace

KeeperProcess::KeeperProcess(std::shared_ptr<Hub> hub, std::shared_ptr<KeeperLink> link,
                             KeeperRecord record, LaunchNote note, TapOpener open_tap)
    : hub_(std::move(hub)), link_(std::move(link)), record_(std::move(record)),
      note_(std::move(note)), open_tap_(std::move(open_tap)),
      agent_(link_->run_dir() + "/agent.sock") {}

KeeperProcess::~KeeperProcess() {
    // A released keeper is still listened to until it has left.
    if (!link_->released()) {
        hub_->remove(*link_);
    }
}

KeeperStatus KeeperProcess::status(Deadline deadline) {
    const Message answer = link_->ask(Message("status"), "ask for the state", deadline);
    try {
        return to_status(answer);
    } catch (const keeper::ProtocolError& error) {
        throw api::Error(api::ErrorCode::failed,
                         std::string("The keeper's state is malformed: ") + error.what());
    }
}

std::int64_t KeeperProcess::resume(Deadline deadline) {
    MSHV_CRASHPOINT("vmm.resume.before");
    const Message answer = link_->ask(Message("resume"), "resume the partition", deadline);
    MSHV_CRASHPOINT("vmm.resume.after");
    return answer.number("seq").value_or(0);
}

std::int64_t KeeperProcess::pause(Deadline deadline) {
    MSHV_CRASHPOINT("vmm.pause.before");
    const Message answer = link_->ask(Message("pause"), "pause the partition", deadline);
    MSHV_CRASHPOINT("vmm.pause.after");
    return answer.number("seq").value_or(0);
}

std::string KeeperProcess::qmp(std::string_view command, std::string_view what, Deadline deadline) {
    const Message answer = link_->ask(Message("qmp").set("command", command), what, deadline);
    return answer.text("json");
}

void KeeperProcess::refuse_if_lacking(std::string_view ability, const std::string& what) const {
    constexpr std::string_view prefix = "qemu ";
    const std::string_view text = note_.vmm_version;
    const auto version =
        qemu::Version::parse(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
    const auto lacking = qemu::lacking(note_.accelerator, version.value_or(qemu::Version{}));
    if (std::find(lacking.begin(), lacking.end(), ability) != lacking.end()) {
        throw api::Error(api::ErrorCode::unsupported,
                         "Cannot " + what + ": " + note_.vmm_version + " under " +
                             std::string(api::to_name(note_.accelerator)) +
                             " would report success and not do it");
    }
}

void KeeperProcess::powerdown(Deadline deadline) {
    MSHV_CRASHPOINT("vmm.powerdown.before");
    qemu::expect_success(
        qmp(qemu::qmp_command("system_powerdown"), "press the power button", deadline),
        "press the power button");
    MSHV_CRASHPOINT("vmm.powerdown.after");
}

void KeeperProcess::sleep_button(Deadline /*deadline*/) {
    throw api::Error(api::ErrorCode::unsupported, "QEMU's machines have no sleep button",
                     "suspend from inside the guest");
}

namespace {

/// What was seen of emulated guests: they were woken, and were lost or hung.
void refuse_lost_sleep(std::string_view argv) {
    using namespace std::string_view_literals;
    const auto refuse = [](const std::string& why, const std::string& hint) {
        throw api::Error(api::ErrorCode::unsupported, "Cannot suspend the guest: " + why, hint);
    };
    // What wakes enters the firmware: qboot knows only one way on, which is to boot again.
    if (argv.find("qboot.rom\0"sv) != std::string_view::npos) {
        refuse("it was booted by qboot, which would boot it anew in the place of waking it",
               "start it with <video>, or with a <loader> such as SeaBIOS");
    }
    // The other timers that it has under tcg do not tick any more when it is awake.
    if (argv.find(",hpet=off"sv) != std::string_view::npos) {
        refuse("under tcg its clock would stand still after it, since it has no timer hpet",
               "start it with <clock><timer name='hpet' present='yes'/></clock>");
    }
}

} // namespace

void KeeperProcess::refuse_sleep() const {
    refuse_if_lacking("suspend-to-ram", "suspend the guest");
    if (note_.accelerator == api::Accelerator::tcg) {
        const Message answer = link_->ask(Message("makeup"), "learn what the guest runs on",
                                          Deadline::after(keeper_grace));
        refuse_lost_sleep(answer.text("argv"));
    }
}

void KeeperProcess::wakeup(Deadline deadline) {
    refuse_if_lacking("suspend-to-ram", "wake the guest up");
    qemu::expect_success(qmp(qemu::qmp_command("system_wakeup"), "wake the guest up", deadline),
                         "wake the guest up");
}

void KeeperProcess::inject_nmi(Deadline deadline) {
    refuse_if_lacking("nmi", "inject an NMI");
    qemu::expect_success(qmp(qemu::qmp_command("inject-nmi"), "inject an NMI", deadline),
                         "inject an NMI");
}

void KeeperProcess::reset(Deadline deadline) {
    MSHV_CRASHPOINT("vmm.reset.before");
    link_->ask(Message("reset").set("timeout_ms", milliseconds_left(deadline)),
               "reset the partition", deadline);
    MSHV_CRASHPOINT("vmm.reset.after");
}

void KeeperProcess::expect(Expected end, Deadline deadline) {
    const std::string_view word = end == Expected::shutdown ? "shutdown"
                                  : end == Expected::reboot ? "reboot"
                                                            : "none";
    link_->ask(Message("expect").set("end", word), "tell the keeper what comes", deadline);
}

void KeeperProcess::agent_shutdown(bool reboot, Deadline deadline) {
    if (!note_.agent) {
        throw api::Error(api::ErrorCode::unsupported, "The partition has no guest agent channel",
                         "add <channel> with target name org.qemu.guest_agent.0");
    }
    agent_.shutdown(reboot, deadline);
}

bool KeeperProcess::agent_connected(Deadline deadline) {
    if (!note_.agent) {
        return false;
    }
    return qemu::parse_frontend_open(
        qmp(qemu::qmp_command("query-chardev"), "ask for the agent's channel", deadline), "agent0");
}

void KeeperProcess::kill(Deadline deadline) {
    MSHV_CRASHPOINT("vmm.kill.before");
    if (!kill_by_keeper(deadline)) {
        kill_directly(deadline);
    }
    MSHV_CRASHPOINT("vmm.kill.after");
}

bool KeeperProcess::kill_by_keeper(Deadline deadline) {
    while (true) {
        // Half of the time at most is the keeper's, so that enough is left to do without it.
        const auto half = std::chrono::milliseconds(milliseconds_left(deadline) / 2 + 1);
        const auto turn = sooner(deadline, std::min<std::chrono::milliseconds>(keeper_grace, half));
        Message request("kill");
        request.set("timeout_ms", std::max<std::int64_t>(1, milliseconds_left(turn) * 9 / 10));
        Message answer;
        try {
            answer = link_->call(std::move(request), {}, turn);
        } catch (const posix::TimedOut&) {
            return false; // the keeper is stopped itself
        } catch (const api::Error&) {
            return false; // or dead
        }
        if (answer.word == "ok" || answer.text("code") == "wrong_state" ||
            answer.text("code") == "vmm_gone") {
            return true;
        }
        if (answer.text("code") != "timeout" || deadline.expired() ||
            milliseconds_left(deadline) < 20) {
            throw to_error(answer, "end the VMM");
        }
    }
}

void KeeperProcess::kill_directly(Deadline deadline) {
    const auto state = read_keeper_state(link_->run_dir());
    const auto identity = state && state->vmm ? state->vmm : link_->vmm();
    if (identity) {
        if (const auto vmm = posix::PidFd::open(*identity)) {
            vmm->signal(SIGKILL);
            try {
                vmm->wait_ended(deadline);
            } catch (const posix::TimedOut&) {
                throw api::Error(api::ErrorCode::timeout,
                                 "The VMM has been killed and does not end: " +
                                     describe_stuck(identity->pid),
                                 "the kernel holds it; look at the device it waits for");
            }
        }
    }
    // A keeper that let its VMM be killed over its head without a word would start it again.
    link_->keeper().signal(SIGKILL);
    link_->keeper().wait_ended(deadline);
}

void KeeperProcess::release(Deadline deadline) {
    MSHV_CRASHPOINT("vmm.release.before");
    if (!link_->set_released(true)) {
        remove_run_folder(link_->run_dir()); // the keeper had left before
        hub_->remove(*link_);
        return;
    }
    try {
        link_->ask(Message("release"), "let the keeper go", deadline);
    } catch (const KeeperGone&) { // NOLINT: it left before the hub saw it, which removes its folder
    } catch (const api::Error&) {
        (void)link_->set_released(false);
        throw;
    }
    MSHV_CRASHPOINT("vmm.release.after");
}

void KeeperProcess::set_policy(const domain::EndPolicy& policy, Deadline deadline) {
    Message request("set-policy");
    keeper::put_policy(request, to_policy(policy));
    link_->ask(std::move(request), "change the policy", deadline);
}

void KeeperProcess::acknowledge(std::int64_t seq) {
    link_->tell(Message("ack").set("seq", seq));
    if (link_->release_held(seq)) {
        hub_->flush(*link_);
    }
}

void KeeperProcess::attach_console(Fd client, const ConsoleRequest& request, Deadline deadline) {
    Message message("console");
    message.set("write", request.write ? 1 : 0).set("steal", request.steal ? 1 : 0);
    message.set("raw", request.raw ? 1 : 0).set("who", request.who);
    // The keeper counts in 63 bits; what is more ("all of it") means the same there.
    const auto count = [](std::uint64_t value) {
        return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
    };
    if (request.since) {
        message.set("since", count(*request.since));
    } else if (request.replay) {
        message.set("replay", count(*request.replay));
    }
    if (!request.early.empty()) {
        message.set("early", request.early);
    }
    const std::array<int, 1> fds{client.get()};
    MSHV_CRASHPOINT("vmm.console.before_hand_over");
    try {
        const Message answer = link_->call(std::move(message), fds, deadline);
        if (answer.word != "ok") {
            throw to_error(answer, "attach to the console");
        }
    } catch (const posix::TimedOut&) {
        throw api::Error(api::ErrorCode::timeout, "The keeper did not take the console session",
                         "try again");
    }
    MSHV_CRASHPOINT("vmm.console.after_hand_over");
}

std::vector<VmmProcess::VcpuInfo> KeeperProcess::vcpus(Deadline deadline) {
    const auto cpus = qemu::parse_cpus(
        qmp(qemu::qmp_command("query-cpus-fast"), "list the virtual processors", deadline));
    const auto vmm = link_->vmm();
    std::vector<VcpuInfo> result;
    for (const auto& cpu : cpus) {
        VcpuInfo info;
        info.index = cpu.index;
        info.thread_id = cpu.thread_id;
        // The thread id is the VMM's word: it is only looked up among the VMM's own threads.
        if (const auto sample = vmm ? sample_thread(vmm->pid, cpu.thread_id) : std::nullopt) {
            info.cpu_time_ms = sample->cpu_time_ms;
            info.waiting_ms = sample->waiting_ms;
            info.last_cpu = sample->last_cpu;
            info.state = sample->state;
            info.affinity = sample->affinity;
        }
        result.push_back(std::move(info));
    }
    return result;
}

} // namespace mshv::vmm
