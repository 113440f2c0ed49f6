// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/control/world.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <cstdlib>
#include <set>
#include <stdexcept>

namespace mshv::testing {

void FakeClock::wait(posix::Lock& lock, posix::Condition& condition, std::int64_t) const {
    condition.wait_until(lock, std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
}

TempDir::TempDir() {
    std::string pattern = "/tmp/mshv-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no temporary folder");
    }
    path_ = pattern;
}

TempDir::~TempDir() {
    posix::remove_tree(path_);
}

api::PartitionSpec spec_of(const std::string& name) {
    api::PartitionSpec spec;
    spec.name = name;
    spec.memory.size = 64UL << 20;
    return spec;
}

api::CreateRequest request_of(const std::string& name, api::CreateMode mode) {
    api::CreateRequest request;
    request.spec = spec_of(name);
    request.mode = mode;
    return request;
}

World::World() {
    start_daemon();
}

World::World(const std::string& database_copy, std::unique_ptr<FakeMachine> machine,
             std::int64_t boot_advance)
    : machine_(std::move(machine)) {
    posix::replace_file(dir_.path("mshv.db"), posix::read_file(database_copy, 1U << 30));
    clock_.advance(boot_advance);
    start_daemon();
}

World::~World() {
    stop_daemon();
}

void World::start_daemon() {
    store::Options store_options;
    store_options.wall_ms = [this] { return clock_.wall_ms(); };
    store_ = store::Store::open(dir_.path("mshv.db"), store_options);
    machine_->wall_ms = [this] { return clock_.wall_ms(); };
    host_ = std::make_unique<FakeVmmHost>(*machine_);
    control::Hooks hooks;
    hooks.removed = [this](const api::Uuid& uuid) {
        posix::Lock lock(mutex_);
        removed_.push_back(uuid);
    };
    options.boot_id = machine_->boot_id();
    control::Dirs dirs{dir_.path("state"), dir_.path("run"), dir_.path("log")};
    service_ = control::make_service({*store_, *host_, clock_, dirs, hooks, options, groups});
    service_->start_up();
}

void World::stop_daemon() {
    if (service_) {
        service_->stop();
        host_->set_event_sink({});
        service_.reset();
        host_.reset();
        store_.reset();
    }
}

std::vector<api::Uuid> World::removed() const {
    posix::Lock lock(mutex_);
    return removed_;
}

bool World::exists(const std::string& name) {
    try {
        return get(name).id != 0;
    } catch (const api::Error&) {
        return false;
    }
}

void World::wait_gone(const std::string& name) {
    try {
        service_->wait_state(by_name(name), {api::State::shutoff}, soon());
    } catch (const api::Error& error) {
        if (error.code() != api::ErrorCode::not_found) {
            throw;
        }
    }
}

std::vector<std::string> World::story(const std::string& name) {
    std::vector<std::string> story;
    for (const auto& event : store_->events(0, 0, std::nullopt).events) {
        if (event.name != name) {
            continue;
        }
        story.push_back(event.from && event.to ? std::string(api::to_name(*event.from)) + '>' +
                                                     std::string(api::to_name(*event.to))
                                               : event.kind);
    }
    return story;
}

bool World::released() {
    return machine_->wait([](const FakeMachine::Keepers& keepers) {
        for (const auto& [key, keeper] : keepers) {
            if (keeper.finished || keeper.dead) {
                return false;
            }
        }
        return true;
    });
}

std::vector<std::string> broken_invariants(World& world) {
    std::vector<std::string> broken = world.store().fsck();
    std::set<KeeperKey> runs;
    for (const auto& row : world.store().load()) {
        const api::PartitionView view =
            world.service().get({api::Selector::Kind::uuid, api::to_string(row.uuid)});
        if (view.name != row.name || view.state != row.state || view.id != row.id) {
            broken.push_back("the directory differs from the database at '" + row.name + "'");
        }
        if (row.state == api::State::starting) {
            broken.push_back("'" + row.name + "' is half started");
        }
        if (row.runtime) {
            runs.emplace(row.uuid, row.runtime->incarnation);
        }
    }
    std::set<api::Uuid> seen;
    for (const auto& [key, keeper] : world.machine().keepers()) {
        if (!runs.contains(key)) {
            broken.push_back("a keeper of " + api::to_string(key.first) + " belongs to no run");
        }
        if (!seen.insert(key.first).second) {
            broken.push_back("two keepers of " + api::to_string(key.first));
        }
        runs.erase(key);
    }
    for (const auto& run : runs) {
        broken.push_back("a run of " + api::to_string(run.first) + " has no keeper");
    }
    return broken;
}

} // namespace mshv::testing
