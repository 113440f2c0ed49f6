// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/control/fake_machine.hpp"

#include <chrono>

namespace mshv::testing {

using api::Reason;
using api::State;
using Kind = KeeperEvent::Kind;
using posix::Deadline;
using posix::Lock;

std::unique_ptr<FakeMachine> FakeMachine::copy() const {
    auto other = std::make_unique<FakeMachine>();
    Lock lock(mutex_);
    Lock other_lock(other->mutex_);
    other->keepers_ = keepers_;
    other->boot_id_ = boot_id_;
    other->next_pid_ = next_pid_;
    other->now_ms_ = now_ms_;
    return other;
}

FakeKeeper* FakeMachine::find_running(const api::Uuid& uuid) {
    for (auto& [key, keeper] : keepers_) {
        if (key.first == uuid && !keeper.finished && !keeper.dead) {
            return &keeper;
        }
    }
    return nullptr;
}

KeeperEvent& FakeMachine::note(FakeKeeper& keeper, Kind kind, Reason reason) {
    KeeperEvent event;
    event.seq = static_cast<std::int64_t>(keeper.journal.size()) + 1;
    event.at_ms = wall_ms ? wall_ms() : ++now_ms_;
    event.kind = kind;
    event.generation = keeper.generation;
    event.reason = reason;
    if (keeper.vmm.pid != 0) {
        event.vmm = keeper.vmm;
    }
    keeper.reason = reason;
    keeper.journal.push_back(event);
    return keeper.journal.back();
}

void FakeMachine::end_vmm(FakeKeeper& keeper, Reason reason, posix::ExitStatus exit) {
    keeper.vmm = {};
    note(keeper, Kind::vmm_exited, reason).exit = exit;
    keeper.finished = true;
    keeper.state = State::shutoff;
    note(keeper, Kind::finished, reason).exit = exit;
}

void FakeMachine::respawn(FakeKeeper& keeper, Reason reason) {
    keeper.vmm = {};
    note(keeper, Kind::vmm_exited, reason).exit = posix::ExitStatus{};
    note(keeper, Kind::respawn_wait, reason);
    ++keeper.generation;
    keeper.vmm = {++next_pid_, static_cast<std::uint64_t>(next_pid_)};
    keeper.expected = Expected::none;
    keeper.devices = keeper.made_of;
    keeper.memory = keeper.memory_target.value_or(keeper.whole);
    keeper.vcpus = keeper.later_vcpus;
    keeper.offline.clear();
    keeper.suspended = false;
    note(keeper, Kind::vmm_started, reason);
    note(keeper, Kind::ready, reason);
    keeper.state = State::running;
    note(keeper, Kind::running, reason);
}

void FakeMachine::send() {
    Lock order(sending_);
    for (;;) {
        KeeperKey key;
        KeeperEvent event;
        vmm::VmmHost::EventSink sink;
        {
            Lock lock(mutex_);
            changed_.notify_all();
            if (faults_.hold_events) {
                return;
            }
            for (const auto& [name, keeper] : keepers_) {
                if (std::size_t& sent = sent_[name]; sent < keeper.journal.size() && sink_) {
                    key = name;
                    event = keeper.journal[sent++];
                    sink = sink_;
                    break;
                }
            }
        }
        if (!sink) {
            return;
        }
        sink(key.first, key.second, event);
    }
}

FakeMachine::Keepers FakeMachine::keepers() const {
    Lock lock(mutex_);
    return keepers_;
}

std::vector<std::string> FakeMachine::asked(const api::Uuid& uuid) const {
    Lock lock(mutex_);
    for (const auto& [key, keeper] : keepers_) {
        if (key.first == uuid) {
            return keeper.asked;
        }
    }
    return {};
}

std::size_t FakeMachine::vmm_count() const {
    Lock lock(mutex_);
    std::size_t count = 0;
    for (const auto& [key, keeper] : keepers_) {
        count += keeper.vmm.pid != 0 ? 1 : 0;
    }
    return count;
}

bool FakeMachine::wait(const std::function<bool(const Keepers&)>& done) {
    const Deadline deadline = Deadline::after(std::chrono::seconds(10));
    Lock lock(mutex_);
    while (!done(keepers_)) {
        if (deadline.expired()) {
            return false;
        }
        changed_.wait_until(lock, deadline.point());
    }
    return true;
}

void FakeMachine::set_faults(const Faults& faults) {
    {
        Lock lock(mutex_);
        faults_ = faults;
    }
    send();
}

Faults FakeMachine::faults() const {
    Lock lock(mutex_);
    return faults_;
}

std::string FakeMachine::boot_id() const {
    Lock lock(mutex_);
    return boot_id_;
}

} // namespace mshv::testing
