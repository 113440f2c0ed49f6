// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/vmm.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mshv::testing {

using vmm::KeeperEvent;
using Expected = vmm::VmmProcess::Expected;

/// One keeper with its VMM and guest.
struct FakeKeeper {
    vmm::KeeperRecord record;
    posix::ProcessIdentity vmm; ///< pid 0 = none runs
    api::State state = api::State::starting;
    api::Reason reason = api::Reason::started;
    std::int64_t generation = 1;
    bool finished = false;
    bool dead = false; ///< the keeper itself was killed
    Expected expected = Expected::none;
    std::vector<KeeperEvent> journal;
    std::vector<std::string> asked;          ///< what the guest was asked for
    std::vector<domain::EndPolicy> policies; ///< given since the start
    vmm::Transfer transfer;                  ///< of its state
    vmm::Transfer dump;                      ///< of its memory
    bool ran_before_dump = false;
    std::string loaded;                      ///< what it took its state from
    std::set<std::string> devices;           ///< that came: in the VMM now
    std::set<std::string> made_of;           ///< in what later generations get
    std::uint64_t whole = 0;                 ///< all of the guest's memory
    std::string affinity;                    ///< of the VMM's threads
    std::set<std::int64_t> offline;          ///< processors that the guest does not use
    unsigned vcpus = 1, later_vcpus = 1;     ///< processors: now, and in later generations
    std::uint64_t memory = 0;                ///< that the balloon leaves the guest
    std::optional<std::uint64_t> memory_target; ///< of later generations
    std::map<std::string, std::uint64_t> sizes; ///< of disks; 4096 where nothing else is said
    std::map<std::string, bool> links;          ///< of NICs whose cable was touched
    std::map<std::string, std::string> media;     ///< in drives: the name of what is in
    std::map<std::string, std::string> media_next; ///< and of what later generations have
    vmm::DiskLimits limits;                     ///< of disks that are held to some
    std::map<std::string, std::string> taps;    ///< of NICs that came with one, its name
    bool frozen = false;                        ///< its file systems stand still
    bool suspended = false;                     ///< it sleeps in RAM
    int looks = 0;                              ///< after a program that its agent has started
};

using KeeperKey = std::pair<api::Uuid, std::string>;

/// How things go wrong; by name of the partition where it has one.
struct Faults {
    std::string fail_launch;     ///< throws before anything exists
    std::string fail_resume;     ///< throws after the launch
    bool hold_launch = false;    ///< launch waits until this is taken back or it is cleaned away
    bool stuck = false;          ///< a killed VMM does not go
    bool no_agent = true;        ///< nobody answers to agent_shutdown
    bool mute_agent = false;     ///< an agent has the channel and does not answer
    std::string fail_freeze;     ///< what it says in the place of freezing
    bool sleepless = false;      ///< the guest does not go to sleep, nor wake
    bool no_sleep = false;       ///< the VMM could not wake it
    std::string agent_mac;       ///< of the interface that it tells of
    bool deaf = true;            ///< the guest ignores what it is asked for
    bool no_adoption = false;    ///< keepers do not answer a new daemon
    bool hold_events = false;    ///< what keepers report comes late: when this is taken back
    bool hold_save = false;      ///< a state is not written before this is taken back
    std::string fail_save;       ///< what the VMM says in the place of writing it
    bool fail_dump = false;      ///< the VMM begins a dump and does not get on
    std::string objection;       ///< what the host says against every definition
    std::string fail_attach;     ///< the VMM refuses a device, and has half of it
    std::string fail_resize;     ///< the VMM refuses another size
    std::string fail_balloon;    ///< the VMM refuses another target
    std::string fail_pin;        ///< the keeper cannot pin
    std::string fail_vcpus;      ///< the VMM takes no processor more
    bool mute_vcpus = false;     ///< and has no word of those that it has
    bool keeps_vcpus = false;    ///< the guest lets go of none before guest_lets_go_of_vcpu()
    bool mute_pins = false;      ///< and has no word of what it has
    bool mute_balloon = false;   ///< and has no word of the one that it has
    std::string fail_medium;     ///< the VMM cannot read a medium
    bool lose_medium = false;    ///< it takes the old one out, and cannot take the new one
    bool tray_locked = false;    ///< the guest keeps its drives closed
    std::string fail_link;       ///< or to touch a cable
    std::string fail_limits;     ///< the VMM refuses other limits of a disk
    bool keeps_device = false;   ///< the guest refuses to let go of one
    bool slow_to_let_go = false; ///< or does it when it is told to by guest_lets_go()
};

/// A machine in memory: it lives on when a daemon goes. Thread-safe.
class FakeMachine {
public:
    using Keepers = std::map<KeeperKey, FakeKeeper>;

    FakeMachine() = default;
    /// The same machine at one instant, for another daemon.
    std::unique_ptr<FakeMachine> copy() const;

    // ---- what the guest or the world does ----
    void guest_poweroff(const api::Uuid& uuid);
    void guest_reboot(const api::Uuid& uuid);
    void guest_panic_preserved(const api::Uuid& uuid);
    void io_error(const api::Uuid& uuid);
    /// It goes to sleep in RAM, or wakes, by itself.
    void guest_sleeps(const api::Uuid& uuid, bool suspended);
    /// The balloon leaves the guest so many bytes now.
    void balloon_moves(const api::Uuid& uuid, std::uint64_t bytes);
    /// The guest lets go of a device, whoever asked it.
    void guest_lets_go(const api::Uuid& uuid, const std::string& device);
    void guest_lets_go_of_vcpu(const api::Uuid& uuid);
    void vmm_dies(const api::Uuid& uuid, int signal);
    void keeper_dies(const api::Uuid& uuid);
    void reboot_host(const std::string& new_boot_id);

    // ---- what a test looks at ----
    [[nodiscard]] Keepers keepers() const;
    [[nodiscard]] std::vector<std::string> asked(const api::Uuid& uuid) const;
    [[nodiscard]] std::size_t vmm_count() const;
    /// Waits until `done(keepers)`; false after 10 s.
    bool wait(const std::function<bool(const Keepers&)>& done);

    void set_faults(const Faults& faults);
    [[nodiscard]] Faults faults() const;
    [[nodiscard]] std::string boot_id() const;

    /// Called at the entry and the exit of each call with an effect, e.g. "launch.enter", one at a
    /// time. Returns when the one before is not being called any more.
    void set_probe(std::function<void(const std::string&)> probe) {
        posix::Lock lock(probe_mutex_);
        probe_ = std::move(probe);
    }
    /// What keepers' clocks say; empty = each event a millisecond later.
    std::function<std::int64_t()> wall_ms;

private:
    friend class FakeVmmHost;
    friend class FakeProcess;
    friend class FakeAgent;

    FakeKeeper* find_running(const api::Uuid& uuid) MSHV_REQUIRES(mutex_);
    void sleep(FakeKeeper& keeper, bool suspended) MSHV_REQUIRES(mutex_);
    /// Writes the journal; the event still has to be sent with send().
    KeeperEvent& note(FakeKeeper& keeper, KeeperEvent::Kind kind, api::Reason reason)
        MSHV_REQUIRES(mutex_);
    void end_vmm(FakeKeeper& keeper, api::Reason reason, posix::ExitStatus exit)
        MSHV_REQUIRES(mutex_);
    void respawn(FakeKeeper& keeper, api::Reason reason) MSHV_REQUIRES(mutex_);
    /// Sends what is in the journals and was not sent to this daemon yet.
    void send();
    void at(const std::string& point) const {
        posix::Lock lock(probe_mutex_);
        if (probe_) {
            probe_(point);
        }
    }

    mutable posix::Mutex probe_mutex_; ///< before the other two
    std::function<void(const std::string&)> probe_ MSHV_GUARDED_BY(probe_mutex_);
    mutable posix::Mutex mutex_;
    posix::Mutex sending_; ///< keeps the order of events; taken before mutex_
    posix::Condition changed_;
    Keepers keepers_ MSHV_GUARDED_BY(mutex_);
    std::map<KeeperKey, std::size_t> sent_ MSHV_GUARDED_BY(mutex_);
    vmm::VmmHost::EventSink sink_ MSHV_GUARDED_BY(mutex_);
    Faults faults_ MSHV_GUARDED_BY(mutex_);
    std::string boot_id_ MSHV_GUARDED_BY(mutex_) = "boot-1";
    int next_pid_ MSHV_GUARDED_BY(mutex_) = 1000;
    std::int64_t now_ms_ MSHV_GUARDED_BY(mutex_) = 1'000'000;
};

/// The machine as a daemon's process layer.
class FakeVmmHost final : public vmm::VmmHost {
public:
    explicit FakeVmmHost(FakeMachine& machine) : machine_(machine) {}

    std::vector<api::Problem> objections(const api::PartitionSpec& spec) override;
    domain::LaunchPlan plan(const vmm::PlanRequest& request) override;
    std::unique_ptr<vmm::VmmProcess> launch(const domain::LaunchPlan& plan,
                                            posix::Deadline deadline) override;
    vmm::Adopted adopt(const api::Uuid& uuid, const vmm::KeeperRecord& record,
                       std::int64_t acknowledged, posix::Deadline deadline) override;
    void clean(const api::Uuid& uuid, const std::string& incarnation,
               posix::Deadline deadline) override;
    std::vector<std::pair<api::Uuid, std::string>> incarnations() override;
    void set_event_sink(EventSink sink) override;

private:
    FakeMachine& machine_;
};

} // namespace mshv::testing
