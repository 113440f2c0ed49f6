// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/sleeping.hpp"

#include "daemon/control/service_impl.hpp"
#include "daemon/vmm/guest_agent.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <chrono>

// Guests that sleep in RAM (ACPI S3). Whether one does is what its keeper reports and nothing else,
// so that it is true also of one that goes to sleep or wakes by itself.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using domain::Verb;
using std::chrono::milliseconds;

constexpr milliseconds longest_wait{3'600'000};
/// Talks with an agent are short: most that are in the way are over by then.
constexpr milliseconds agent_turn{1'000};

Deadline deadline_of(const api::SleepRequest& request) {
    return Deadline::after(
        milliseconds(std::min<std::uint64_t>(request.timeout_ms, longest_wait.count())));
}

/// A guest that cannot be woken must not be put to sleep.
void refuse_sleepless(const store::PartitionRow& row, const api::PartitionSpec& spec) {
    const auto refuse = [&](const std::string& why) {
        throw Error(ErrorCode::unsupported, "'" + row.name + "' cannot be suspended: " + why,
                    "'pause' stops its processors, 'save' writes its state to a file");
    };
    if (spec.boot.machine == api::Machine::microvm) {
        refuse("the machine microvm does not sleep");
    }
    if (!spec.acpi) {
        refuse("without ACPI a guest does not sleep");
    }
}

vmm::GuestAgent& agent_of(const store::PartitionRow& row, vmm::VmmProcess& process,
                          Deadline deadline) {
    auto* const agent = vmm::guest_agent_of(process);
    if (agent == nullptr) {
        throw Error(ErrorCode::unsupported,
                    "Partition '" + row.name +
                        "' has no guest agent channel, and QEMU's machines have no sleep button",
                    "suspend it from inside, or add <channel> with target name "
                    "org.qemu.guest_agent.0");
    }
    if (!process.agent_connected(deadline)) {
        throw Error(ErrorCode::wrong_state,
                    "No guest agent runs in '" + row.name +
                        "', and QEMU's machines have no sleep button",
                    "suspend it from inside, or start qemu-guest-agent in it");
    }
    return *agent;
}

/// Until the run of `row` is over or its guest sleeps, or does not, as it shall.
Directory::EntryPtr await_sleep(Core& core, const store::PartitionRow& row, bool asleep,
                                Deadline deadline) {
    return core.directory.await(row.uuid, deadline, [&](const store::PartitionRow& now) {
        return !now.runtime || now.runtime->incarnation != row.runtime->incarnation ||
               now.runtime->suspended == asleep;
    });
}

/// The partition after the wait; `late` is what it was waited for in vain.
api::PartitionView waited(Core& core, const store::PartitionRow& row, bool asleep,
                          Deadline deadline, const Error& late) {
    const auto after = await_sleep(core, row, asleep, deadline);
    if (!after || !after->row.runtime ||
        after->row.runtime->incarnation != row.runtime->incarnation) {
        throw Error(ErrorCode::failed, "Partition '" + row.name + "' ended meanwhile",
                    "mshvctl history shows why");
    }
    if (after->row.runtime->suspended != asleep) {
        throw late;
    }
    return core.view(*after);
}

void begin_to_wake(Core& core, const store::PartitionRow& row, const std::string& actor,
                   const std::string& why) {
    const auto process = core.process_of(row);
    core.store.write(
        [&](store::Transaction& t) { t.event("partition.resume-asked", row.id, actor, why); });
    MSHV_CRASHPOINT("control.before_wake");
    process->wakeup(core.vmm_deadline());
    MSHV_CRASHPOINT("control.after_wake");
}

} // namespace

bool is_asleep(const store::PartitionRow& row) {
    return row.runtime && row.runtime->suspended;
}

void refuse_asleep(const store::PartitionRow& row, const std::string& cannot) {
    if (is_asleep(row)) {
        throw Error(ErrorCode::wrong_state,
                    "The guest of '" + row.name + "' is suspended: it cannot " + cannot,
                    "resume it first");
    }
}

void wake_to_hear(Core& core, const store::PartitionRow& row, const std::string& actor,
                  const std::string& what) {
    if (!is_asleep(row)) {
        return;
    }
    try {
        begin_to_wake(core, row, actor, "woken to hear of its " + what);
        (void)await_sleep(core, row, false, core.vmm_deadline());
    } catch (const Error& error) {
        core.log(Severity::info, "'" + row.name + "' was not woken: " + error.message());
    }
}

api::PartitionView ServiceImpl::suspend(const api::Selector& selector,
                                        const api::SleepRequest& request, const Actor& actor,
                                        Deadline wait_busy) {
    const Deadline deadline = deadline_of(request);
    std::optional<Core::Held> held = hold(selector, Verb::suspend, actor, wait_busy);
    const auto row = held->row;
    if (is_asleep(row)) {
        return core_.view(row.uuid);
    }
    refuse_sleepless(row, core_.running_spec(row));
    const auto process = core_.process_of(row);
    process->refuse_sleep();
    auto& agent = agent_of(row, *process, core_.vmm_deadline());
    core_.store.write([&](store::Transaction& t) {
        t.event("partition.suspend-asked", row.id, actor.name, "by its agent");
    });
    MSHV_CRASHPOINT("control.before_suspend");
    agent.suspend({Deadline::after(agent_turn), core_.vmm_deadline(), "suspend by " + actor.name});
    MSHV_CRASHPOINT("control.after_suspend");
    held.reset(); // a guest that takes its time keeps nobody from destroying it
    return waited(
        core_, row, true, deadline,
        Error(ErrorCode::timeout,
              "The guest of '" + row.name + "' was asked to suspend itself and has not yet",
              "it may do so later, which is an event; look at its console"));
}

api::PartitionView ServiceImpl::wake(const api::Selector& selector,
                                     const api::SleepRequest& request, const Actor& actor,
                                     Deadline wait_busy) {
    const Deadline deadline = deadline_of(request);
    std::optional<Core::Held> held = hold(selector, Verb::resume, actor, wait_busy);
    const auto row = held->row;
    if (!is_asleep(row)) {
        throw Error(ErrorCode::wrong_state, "The guest of '" + row.name + "' is not suspended");
    }
    begin_to_wake(core_, row, actor.name, "");
    held.reset();
    return waited(core_, row, false, deadline,
                  Error(ErrorCode::timeout, "The guest of '" + row.name + "' does not wake",
                        "reset restarts it, without what it has not written"));
}

} // namespace mshv::control
