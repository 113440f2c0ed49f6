// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/vcpu_plug.hpp"
#include "tests/unit/control/fake_agent.hpp"
#include "tests/unit/control/fake_machine.hpp"

#include <array>
#include <csignal>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace mshv::testing {

using api::Error;
using api::ErrorCode;
using api::Reason;
using api::State;
using Kind = KeeperEvent::Kind;
using posix::Deadline;
using posix::Lock;

/// A daemon's handle of one keeper.
class FakeProcess final : public vmm::VmmProcess,
                          public vmm::GuestAgentOwner,
                          public vmm::VcpuPlug {
public:
    FakeProcess(FakeMachine& machine, KeeperKey key, vmm::KeeperRecord record)
        : machine_(machine), key_(std::move(key)), record_(std::move(record)),
          agent_(machine, [this](const std::string& what,
                                 const std::function<void(FakeKeeper&)>& effect) {
              act(what, effect);
          }) {}

    vmm::GuestAgent* guest_agent() override { return &agent_; }

    /// Also when the keeper is no more, as the real one does.
    [[nodiscard]] vmm::KeeperRecord record() const override { return record_; }
    vmm::KeeperStatus status(Deadline) override {
        Lock lock(machine_.mutex_);
        return status_of(alive());
    }
    std::int64_t resume(Deadline) override {
        return act("resume", [this](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (!machine_.faults_.fail_resume.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_resume);
            }
            keeper.state = State::running;
            machine_.note(keeper, Kind::running, Reason::user);
        });
    }
    std::int64_t pause(Deadline) override {
        return act("pause", [this](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            keeper.state = State::paused;
            machine_.note(keeper, Kind::paused, Reason::user);
        });
    }
    void powerdown(Deadline) override { ask("acpi", false); }
    void sleep_button(Deadline) override { ask("sleep", false); }
    void wakeup(Deadline) override {
        act("wakeup", [this](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            keeper.asked.push_back("wakeup");
            if (!machine_.faults_.sleepless) {
                machine_.sleep(keeper, false);
            }
        });
    }
    void refuse_sleep() const override {
        if (machine_.faults().no_sleep) {
            throw Error(ErrorCode::unsupported, "It would not wake");
        }
    }
    void inject_nmi(Deadline) override { ask("nmi", false); }
    void reset(Deadline) override {
        act("reset", [this](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            machine_.respawn(keeper, Reason::user);
        });
    }
    void expect(Expected end, Deadline) override {
        act("expect", [end](FakeKeeper& keeper) { keeper.expected = end; });
    }
    void agent_shutdown(bool reboot, Deadline) override {
        ask(reboot ? "agent-reboot" : "agent", true);
    }
    bool agent_connected(Deadline) override { return !machine_.faults().no_agent; }
    void kill(Deadline) override {
        if (machine_.faults().stuck) { // whether its keeper lives or not
            throw Error(ErrorCode::timeout, "The VMM is in the kernel: D (io_schedule)");
        }
        act("kill", [this](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            machine_.end_vmm(keeper, Reason::destroyed, {true, SIGKILL});
        });
    }
    void release(Deadline) override {
        machine_.at("release.enter");
        {
            Lock lock(machine_.mutex_);
            const auto keeper = machine_.keepers_.find(key_);
            if (keeper != machine_.keepers_.end()) {
                if (keeper->second.dead || !keeper->second.finished) {
                    throw Error(ErrorCode::wrong_state, "The keeper cannot be released");
                }
                machine_.keepers_.erase(keeper);
            }
            machine_.changed_.notify_all();
        }
        machine_.at("release.exit");
    }
    void set_policy(const domain::EndPolicy& policy, Deadline) override {
        act("set_policy", [&](FakeKeeper& keeper) { keeper.policies.push_back(policy); });
    }
    void acknowledge(std::int64_t) override {}
    void attach_console(posix::Fd, const vmm::ConsoleRequest&, Deadline) override {}
    void attach_disk(const api::PartitionSpec&, const api::Disk& disk,
                     const std::vector<domain::DiskClaim>&, Deadline) override {
        act("attach", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            keeper.made_of.insert(disk.alias);
            if (!machine_.faults_.fail_attach.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_attach);
            }
            keeper.devices.insert(disk.alias);
        });
    }
    void attach_nic(const api::PartitionSpec&, const api::Nic& nic, Deadline) override {
        act("attach", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            keeper.made_of.insert(nic.alias);
            if (!machine_.faults_.fail_attach.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_attach);
            }
            keeper.devices.insert(nic.alias);
            if (nic.source == api::NicSource::bridge) {
                keeper.taps[nic.alias] = nic.target;
            }
        });
    }
    void set_link(const std::string& alias, bool up, Deadline) override {
        act("link", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (!machine_.faults_.fail_link.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_link);
            }
            keeper.links[alias] = up;
        });
    }
    void detach_device(const std::string& alias, Deadline) override {
        act("detach", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (machine_.faults_.keeps_device) {
                throw Error(ErrorCode::failed, "The guest keeps it");
            }
            if (machine_.faults_.slow_to_let_go) {
                keeper.made_of.erase(alias);
                throw Error(ErrorCode::timeout, "The guest does not let go of it");
            }
            keeper.devices.erase(alias);
        });
    }
    DeviceState settle_device(const std::string& alias, Deadline) override {
        DeviceState state = DeviceState::absent;
        act("settle", [&](FakeKeeper& keeper) {
            if (keeper.devices.contains(alias)) {
                state =
                    keeper.made_of.contains(alias) ? DeviceState::present : DeviceState::leaving;
            } else {
                keeper.made_of.erase(alias);
            }
        });
        return state;
    }
    std::uint64_t disk_size(const std::string& alias, Deadline) override {
        std::uint64_t size = 0;
        act("size", [&](FakeKeeper& keeper) {
            size = keeper.sizes.try_emplace(alias, 4096).first->second;
        });
        return size;
    }
    void resize_disk(const std::string& alias, std::uint64_t size, Deadline) override {
        act("resize", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (!machine_.faults_.fail_resize.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_resize);
            }
            keeper.sizes[alias] = size;
        });
    }
    std::string settle_medium(const std::string& alias, Deadline) override {
        std::string medium;
        act("settle_medium", [&](FakeKeeper& keeper) {
            medium = keeper.media[alias] = keeper.media_next[alias];
        });
        return medium;
    }
    Tray change_medium(const api::PartitionSpec&, const api::Disk& drive,
                       const std::vector<domain::DiskClaim>&, TrayLock lock, Deadline) override {
        Tray tray = Tray::moved;
        act("medium", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (!machine_.faults_.fail_medium.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_medium);
            }
            if (machine_.faults_.tray_locked && lock == TrayLock::honoured) {
                tray = Tray::locked;
                return;
            }
            auto& next = keeper.media_next[drive.alias];
            next = drive.path.empty() || machine_.faults_.lose_medium
                       ? ""
                       : drive.path + (next.starts_with(drive.path) ? "'" : "");
            keeper.media[drive.alias] = next;
            if (machine_.faults_.lose_medium) {
                throw Error(ErrorCode::failed, "The VMM has no such node");
            }
        });
        return tray;
    }
    std::uint64_t memory(Deadline) override {
        std::uint64_t bytes = 0;
        act("look", [&](FakeKeeper& keeper) { bytes = keeper.memory; });
        return bytes;
    }
    vmm::MemoryTarget memory_target(Deadline) override {
        vmm::MemoryTarget target{true, {}};
        act("look", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (machine_.faults_.mute_balloon) {
                throw Error(ErrorCode::timeout, "The keeper did not answer");
            }
            target.bytes = keeper.memory_target;
        });
        return target;
    }
    void set_memory(std::uint64_t bytes, std::uint64_t whole, Deadline) override {
        act("balloon", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (!machine_.faults_.fail_balloon.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_balloon);
            }
            keeper.memory = bytes;
            keeper.memory_target = bytes < whole ? std::optional(bytes) : std::nullopt;
        });
    }
    vmm::DiskLimits disk_limits(Deadline) override {
        vmm::DiskLimits limits;
        act("look", [&](FakeKeeper& keeper) { limits = keeper.limits; });
        return limits;
    }
    void set_disk_limits(const std::string& alias, const std::optional<api::IoTune>& tune,
                         Deadline) override {
        act("limit", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (!machine_.faults_.fail_limits.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_limits);
            }
            keeper.limits.erase(alias);
            if (tune) {
                keeper.limits[alias] = *tune;
            }
        });
    }
    std::string affinity(Deadline) override {
        std::string text;
        act("look", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (machine_.faults_.mute_pins) {
                throw Error(ErrorCode::timeout, "The keeper did not answer");
            }
            text = keeper.affinity;
        });
        return text;
    }
    void set_affinity(const api::Cpu& cpu, Deadline) override {
        act("pin", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (!machine_.faults_.fail_pin.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_pin);
            }
            keeper.affinity = vmm::affinity_text(cpu);
        });
    }
    vmm::VcpuCount vcpu_count(Deadline) override {
        vmm::VcpuCount count;
        act("look", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (machine_.faults_.mute_vcpus && ++keeper.looks > 1) {
                throw Error(ErrorCode::timeout, "The keeper did not answer");
            }
            count = {keeper.vcpus, keeper.later_vcpus};
        });
        return count;
    }
    void set_vcpus(unsigned count, Deadline) override {
        act("vcpus", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            keeper.later_vcpus = count;
            if (count < keeper.vcpus && machine_.faults_.keeps_vcpus) {
                throw Error(ErrorCode::timeout, "The guest does not let go of it");
            }
            if (count > keeper.vcpus && !machine_.faults_.fail_vcpus.empty()) {
                throw Error(ErrorCode::failed, machine_.faults_.fail_vcpus);
            }
            for (; keeper.vcpus < count; ++keeper.vcpus) {
                keeper.offline.insert(keeper.vcpus); // until the guest uses it
            }
            keeper.vcpus = count;
        });
    }
    vmm::DeviceBuses device_buses(Deadline) override {
        vmm::DeviceBuses buses;
        act("look", [&](FakeKeeper& keeper) {
            for (const auto& device : keeper.made_of) {
                buses[device] = "port-of-" + device;
            }
        });
        return buses;
    }
    std::vector<VcpuInfo> vcpus(Deadline) override {
        VcpuInfo vcpu;
        vcpu.state = 'R';
        vcpu.affinity = "all";
        return {vcpu};
    }

    std::string prepare_save(Deadline) override { return "pc-q35-7.2"; }
    void save_to(const posix::Fd& file, std::int64_t offset, Deadline) override {
        constexpr std::string_view state = "the guest's state";
        act("save", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (::pwrite(file.get(), state.data(), state.size(), offset) < 0) {
                throw Error(ErrorCode::failed, "The fake cannot write");
            }
            keeper.transfer = {};
            keeper.transfer.why = machine_.faults_.fail_save;
            keeper.transfer.state = keeper.transfer.why.empty() ? vmm::Transfer::State::active
                                                                : vmm::Transfer::State::failed;
        });
    }
    void load_from(const posix::Fd& file, std::int64_t offset, Deadline) override {
        act("load", [&](FakeKeeper& keeper) {
            std::array<char, 64> buffer{};
            const auto got = ::pread(file.get(), buffer.data(), buffer.size(), offset);
            keeper.loaded.assign(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0U);
            keeper.transfer.state = vmm::Transfer::State::completed;
        });
    }
    vmm::Transfer transfer(Deadline) override {
        vmm::Transfer transfer;
        act("transfer", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (keeper.transfer.state == vmm::Transfer::State::active &&
                !machine_.faults_.hold_save) {
                keeper.transfer.state = vmm::Transfer::State::completed;
                if (keeper.state == State::running) { // it stops by itself at the end
                    keeper.state = State::paused;
                    machine_.note(keeper, Kind::paused, Reason::user);
                }
            }
            transfer = keeper.transfer;
        });
        return transfer;
    }
    void cancel_transfer(Deadline) override {
        act("cancel",
            [](FakeKeeper& keeper) { keeper.transfer.state = vmm::Transfer::State::cancelled; });
    }

    void prepare_dump(api::DumpFormat format, Deadline) override {
        if (format != api::DumpFormat::elf) {
            throw Error(ErrorCode::unsupported, "The fake knows no other format");
        }
    }
    void dump_to(const posix::Fd& file, api::DumpFormat, Deadline) override {
        constexpr std::string_view memory = "the guest's memory";
        act("dump", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (::write(file.get(), memory.data(), memory.size()) < 0) {
                throw Error(ErrorCode::failed, "The fake cannot write");
            }
            keeper.dump = {};
            keeper.dump.state = machine_.faults_.fail_dump ? vmm::Transfer::State::failed
                                                           : vmm::Transfer::State::active;
            keeper.ran_before_dump = keeper.state == State::running;
            if (keeper.ran_before_dump) {
                keeper.state = State::paused;
                machine_.note(keeper, Kind::paused, Reason::user);
            }
        });
    }
    vmm::Transfer dump(Deadline) override {
        vmm::Transfer dump;
        act("look", [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (keeper.dump.state == vmm::Transfer::State::active && !machine_.faults_.hold_save) {
                keeper.dump.state = vmm::Transfer::State::completed;
            }
            if (keeper.dump.state != vmm::Transfer::State::active &&
                std::exchange(keeper.ran_before_dump, false)) {
                keeper.state = State::running;
                machine_.note(keeper, Kind::running, Reason::none);
            }
            dump = keeper.dump;
        });
        return dump;
    }

    static vmm::KeeperStatus status_of(const FakeKeeper& keeper) {
        vmm::KeeperStatus status;
        status.keeper = keeper.record.keeper;
        if (keeper.vmm.pid != 0) {
            status.vmm = keeper.vmm;
        }
        status.generation = keeper.generation;
        status.state = keeper.state;
        status.reason = keeper.reason;
        status.started_ms = keeper.journal.front().at_ms;
        status.generation_started_ms = status.started_ms;
        status.last_event_seq = static_cast<std::int64_t>(keeper.journal.size());
        status.suspended = keeper.suspended;
        return status;
    }

private:
    FakeKeeper& alive() MSHV_REQUIRES(machine_.mutex_) {
        const auto keeper = machine_.keepers_.find(key_);
        if (keeper == machine_.keepers_.end() || keeper->second.finished || keeper->second.dead) {
            throw Error(ErrorCode::wrong_state, "The VMM is gone");
        }
        return keeper->second;
    }
    /// Returns the number of the last event.
    template <typename F>
    std::int64_t act(const std::string& what, F effect) {
        machine_.at(what + ".enter");
        std::int64_t told = 0;
        {
            Lock lock(machine_.mutex_);
            FakeKeeper& keeper = alive();
            effect(keeper);
            told = static_cast<std::int64_t>(keeper.journal.size());
        }
        machine_.send();
        machine_.at(what + ".exit");
        return told;
    }
    void ask(const std::string& what, bool agent) {
        bool follows = false;
        act(what, [&](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (agent && machine_.faults_.no_agent) {
                throw Error(ErrorCode::unsupported, "No guest agent answers");
            }
            keeper.asked.push_back(what);
            follows = !machine_.faults_.deaf;
        });
        if (follows && what == "agent-reboot") {
            machine_.guest_reboot(key_.first);
        } else if (follows && (what == "acpi" || what == "agent")) {
            machine_.guest_poweroff(key_.first);
        }
    }

    FakeMachine& machine_;
    const KeeperKey key_;
    const vmm::KeeperRecord record_;
    FakeAgent agent_;
};

std::unique_ptr<vmm::VmmProcess> FakeVmmHost::launch(const domain::LaunchPlan& plan,
                                                     Deadline deadline) {
    const KeeperKey key{plan.uuid, plan.incarnation};
    vmm::KeeperRecord record;
    machine_.at("launch.enter");
    {
        Lock lock(machine_.mutex_);
        if (!machine_.faults_.fail_launch.empty()) {
            throw Error(ErrorCode::failed, machine_.faults_.fail_launch);
        }
        FakeKeeper keeper;
        for (std::size_t i = 0; i + 1 < plan.argv.size(); ++i) {
            if (plan.argv[i] == "-device") {
                keeper.made_of.insert(plan.argv[i + 1].substr(0, plan.argv[i + 1].find(',')));
            } else if (plan.argv[i] == "-m") {
                keeper.whole = std::stoull(plan.argv[i + 1]);
            } else if (plan.argv[i] == "-smp") {
                keeper.vcpus = keeper.later_vcpus =
                    static_cast<unsigned>(std::stoul(plan.argv[i + 1]));
            } else if (plan.argv[i] == "-balloon") {
                keeper.memory_target = std::stoull(plan.argv[i + 1]);
            }
        }
        keeper.devices = keeper.made_of;
        keeper.memory = keeper.memory_target.value_or(keeper.whole);
        keeper.affinity = plan.affinity;
        keeper.record = {plan.run_dir,
                         "nonce-" + plan.incarnation,
                         {++machine_.next_pid_, static_cast<std::uint64_t>(machine_.next_pid_)},
                         machine_.boot_id_};
        keeper.vmm = {++machine_.next_pid_, static_cast<std::uint64_t>(machine_.next_pid_)};
        record = keeper.record;
        FakeKeeper& made = machine_.keepers_[key] = keeper;
        machine_.note(made, Kind::vmm_started, Reason::started);
        machine_.changed_.notify_all();
        while (machine_.faults_.hold_launch && machine_.keepers_.contains(key)) {
            if (deadline.expired()) {
                machine_.keepers_.erase(key);
                throw Error(ErrorCode::timeout, "The VMM did not answer");
            }
            machine_.changed_.wait_until(lock, deadline.point());
        }
        if (!machine_.keepers_.contains(key)) {
            throw Error(ErrorCode::failed, "The VMM went away while it was started");
        }
        machine_.note(machine_.keepers_.at(key), Kind::ready, Reason::started);
    }
    machine_.send();
    machine_.at("launch.exit");
    return std::make_unique<FakeProcess>(machine_, key, std::move(record));
}

vmm::Adopted FakeVmmHost::adopt(const api::Uuid& uuid, const vmm::KeeperRecord& record,
                                std::int64_t acknowledged, Deadline) {
    Lock lock(machine_.mutex_);
    if (machine_.faults_.no_adoption) {
        throw Error(ErrorCode::timeout, "The keeper does not answer");
    }
    vmm::Adopted adopted;
    for (auto& [key, keeper] : machine_.keepers_) {
        if (key.first != uuid || keeper.record.nonce != record.nonce || keeper.dead) {
            continue;
        }
        for (const auto& event : keeper.journal) {
            if (event.seq > acknowledged) {
                adopted.missed.push_back(event);
            }
        }
        machine_.sent_[key] = keeper.journal.size();
        adopted.status = FakeProcess::status_of(keeper);
        adopted.process = std::make_unique<FakeProcess>(machine_, key, keeper.record);
    }
    return adopted;
}

} // namespace mshv::testing
