// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/factory.hpp"
#include "tests/unit/control/fake_machine.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace mshv::testing {

/// Time that only a test moves. Waits look every millisecond whether it has.
class FakeClock final : public control::Clock {
public:
    [[nodiscard]] std::int64_t wall_ms() const override { return wall_; }
    [[nodiscard]] std::int64_t boot_ms() const override { return boot_; }
    void wait(posix::Lock& lock, posix::Condition& condition, std::int64_t) const override;
    void advance(std::int64_t ms) {
        wall_ += ms;
        boot_ += ms;
    }

private:
    std::atomic<std::int64_t> wall_ = 1'700'000'000'000;
    std::atomic<std::int64_t> boot_ = 100'000;
};

/// A folder that is removed with its object.
class TempDir {
public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();
    [[nodiscard]] std::string path(const std::string& name) const { return path_ + '/' + name; }

private:
    std::string path_;
};

inline const control::Actor tester{"tester"};
inline posix::Deadline soon() {
    return posix::Deadline::after(std::chrono::seconds(10));
}
inline posix::Deadline at_once() {
    return posix::Deadline::after({});
}

/// A minimal definition.
api::PartitionSpec spec_of(const std::string& name);
api::CreateRequest request_of(const std::string& name, api::CreateMode mode);
inline api::Selector by_name(const std::string& name) {
    return {api::Selector::Kind::name, name};
}

/// Database, clock, machine and one daemon's service over them.
class World {
public:
    World();
    /// The world as another daemon finds it: a copy of database and machine at an instant.
    World(const std::string& database_copy, std::unique_ptr<FakeMachine> machine,
          std::int64_t boot_advance);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    /// Stops the daemon; the machine goes on.
    void stop_daemon();
    void start_daemon();
    void restart_daemon() {
        stop_daemon();
        start_daemon();
    }

    [[nodiscard]] control::Service& service() { return *service_; }
    [[nodiscard]] FakeMachine& machine() { return *machine_; }
    [[nodiscard]] FakeClock& clock() { return clock_; }
    [[nodiscard]] store::Store& store() { return *store_; }
    [[nodiscard]] TempDir& dir() { return dir_; }
    control::ServiceOptions options;
    const cgroup::Groups* groups = nullptr; ///< of the next daemon
    std::vector<api::Uuid> removed() const;

    // ---- short forms ----
    api::PartitionView create(const std::string& name) {
        return service_->create(request_of(name, api::CreateMode::transient), tester, at_once());
    }
    api::PartitionView define(const std::string& name) {
        return service_->create(request_of(name, api::CreateMode::define), tester, at_once());
    }
    api::PartitionView start(const std::string& name) {
        return service_->start(by_name(name), {}, tester, at_once());
    }
    api::PartitionView destroy(const std::string& name) {
        return service_->destroy(by_name(name), {}, tester, at_once());
    }
    api::PartitionView get(const std::string& name) { return service_->get(by_name(name)); }
    api::PartitionView wait(const std::string& name, api::State state) {
        return service_->wait_state(by_name(name), {state}, soon());
    }
    bool exists(const std::string& name);
    /// Waits until no partition with this name is left.
    void wait_gone(const std::string& name);
    /// Kinds of the events of one partition, state changes as "from>to".
    std::vector<std::string> story(const std::string& name);
    /// Waits until no keeper is left that has finished.
    bool released();
    /// Changes what the machine does wrong.
    template <typename Change>
    void fault(Change change) {
        auto faults = machine().faults();
        change(faults);
        machine().set_faults(faults);
    }

private:
    TempDir dir_;
    FakeClock clock_;
    std::unique_ptr<FakeMachine> machine_ = std::make_unique<FakeMachine>();
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<FakeVmmHost> host_;
    std::unique_ptr<control::Service> service_;
    mutable posix::Mutex mutex_;
    std::vector<api::Uuid> removed_ MSHV_GUARDED_BY(mutex_);
};

/// What must hold in every world at rest: empty, or what does not.
///  I2 no phantom, I6 no half state: the database's own rules, and the directory equals it.
///  I3 no orphan: each keeper belongs to one run and each run to one keeper.
std::vector<std::string> broken_invariants(World& world);

} // namespace mshv::testing
