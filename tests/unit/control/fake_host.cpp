// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/control/fake_machine.hpp"

// What a fake host does without a process: the others stand where these are made.

namespace mshv::testing {

using posix::Deadline;
using posix::Lock;

std::vector<api::Problem> FakeVmmHost::objections(const api::PartitionSpec&) {
    const std::string objection = machine_.faults().objection;
    if (objection.empty()) {
        return {};
    }
    api::Problem problem;
    problem.message = objection;
    return {problem};
}

domain::LaunchPlan FakeVmmHost::plan(const vmm::PlanRequest& request) {
    domain::LaunchPlan plan;
    plan.uuid = request.spec.uuid.value();
    plan.id = request.id;
    plan.name = request.spec.name;
    plan.incarnation = request.incarnation;
    plan.run_dir = "/fake/" + request.incarnation;
    plan.start_paused = request.start_paused;
    plan.accelerator_reason = "a fake";
    plan.vmm_version = "fake 1.0";
    plan.program = "/fake/vmm";
    plan.argv = {"vmm"};
    plan.affinity = vmm::affinity_text(request.live ? request.live->spec.cpu : request.spec.cpu);
    const auto& memory = (request.live ? request.live->spec : request.spec).memory;
    plan.argv.insert(plan.argv.end(), {"-m", std::to_string(memory.size)});
    if (const auto target = memory.target()) {
        plan.argv.insert(plan.argv.end(), {"-balloon", std::to_string(*target)});
    }
    const auto& cpu = (request.live ? request.live->spec : request.spec).cpu;
    plan.argv.insert(plan.argv.end(), {"-smp", std::to_string(cpu.current)});
    plan.argv.insert(plan.argv.end(), {"-name", plan.name});
    if (request.live) {
        for (const auto& [device, bus] : request.live->buses) {
            plan.argv.insert(plan.argv.end(), {"-device", device + "," + bus});
        }
    }
    return plan;
}

void FakeVmmHost::clean(const api::Uuid& uuid, const std::string& incarnation, Deadline) {
    machine_.at("clean.enter");
    {
        Lock lock(machine_.mutex_);
        machine_.keepers_.erase({uuid, incarnation});
        machine_.changed_.notify_all();
    }
    machine_.at("clean.exit");
}

std::vector<std::pair<api::Uuid, std::string>> FakeVmmHost::incarnations() {
    std::vector<std::pair<api::Uuid, std::string>> all;
    for (const auto& [key, keeper] : machine_.keepers()) {
        all.push_back(key);
    }
    return all;
}

void FakeVmmHost::set_event_sink(EventSink sink) {
    Lock lock(machine_.mutex_);
    machine_.sink_ = std::move(sink);
}

} // namespace mshv::testing
