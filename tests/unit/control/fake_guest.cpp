// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/control/fake_machine.hpp"

// What happens to VMMs and keepers of a fake machine by itself.

namespace mshv::testing {

using api::Error;
using api::ErrorCode;
using api::Reason;
using api::State;
using Kind = KeeperEvent::Kind;
using posix::Deadline;
using posix::Lock;

void FakeMachine::guest_poweroff(const api::Uuid& uuid) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            end_vmm(*keeper,
                    keeper->expected == Expected::shutdown ? Reason::shutdown
                                                           : Reason::guest_poweroff,
                    {});
        }
    }
    send();
}

void FakeMachine::guest_reboot(const api::Uuid& uuid) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            respawn(*keeper, Reason::guest_reboot);
        }
    }
    send();
}

void FakeMachine::guest_panic_preserved(const api::Uuid& uuid) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            note(*keeper, Kind::guest_panicked, Reason::guest_panic);
            keeper->state = State::crashed;
            note(*keeper, Kind::paused, Reason::guest_panic);
        }
    }
    send();
}

void FakeMachine::balloon_moves(const api::Uuid& uuid, std::uint64_t bytes) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            keeper->memory = bytes;
            note(*keeper, Kind::balloon, Reason::none).memory = static_cast<std::int64_t>(bytes);
        }
    }
    send();
}

void FakeMachine::guest_lets_go(const api::Uuid& uuid, const std::string& device) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            keeper->devices.erase(device);
            note(*keeper, Kind::device_deleted, Reason::none).detail = device;
        }
    }
    send();
}

void FakeMachine::guest_lets_go_of_vcpu(const api::Uuid& uuid) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            --keeper->vcpus;
            note(*keeper, Kind::device_deleted, Reason::none).detail =
                "vcpu" + std::to_string(keeper->vcpus);
        }
    }
    send();
}

void FakeMachine::io_error(const api::Uuid& uuid) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            keeper->state = State::paused;
            note(*keeper, Kind::paused, Reason::io_error).detail = "vda: no space left";
        }
    }
    send();
}

void FakeMachine::sleep(FakeKeeper& keeper, bool suspended) {
    if (keeper.suspended != suspended) {
        keeper.suspended = suspended;
        note(keeper, suspended ? Kind::suspended : Kind::awake, Reason::none);
    }
}

void FakeMachine::guest_sleeps(const api::Uuid& uuid, bool suspended) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            sleep(*keeper, suspended);
        }
    }
    send();
}

void FakeMachine::vmm_dies(const api::Uuid& uuid, int signal) {
    {
        Lock lock(mutex_);
        if (FakeKeeper* keeper = find_running(uuid)) {
            end_vmm(*keeper, Reason::vmm_killed, {true, signal});
        }
    }
    send();
}

void FakeMachine::keeper_dies(const api::Uuid& uuid) {
    KeeperKey key;
    KeeperEvent event;
    vmm::VmmHost::EventSink sink;
    {
        Lock lock(mutex_);
        for (auto& [name, keeper] : keepers_) {
            if (name.first == uuid) {
                keeper.dead = true;
                keeper.vmm = {};
                key = name;
                sink = sink_;
            }
        }
    }
    event.kind = Kind::keeper_lost;
    if (sink) {
        sink(key.first, key.second, event);
    }
}

void FakeMachine::reboot_host(const std::string& new_boot_id) {
    Lock lock(mutex_);
    keepers_.clear();
    boot_id_ = new_boot_id;
}

} // namespace mshv::testing
