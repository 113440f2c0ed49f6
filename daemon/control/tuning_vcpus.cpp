// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/preparation.hpp"
#include "daemon/control/tuning.hpp"
#include "daemon/domain/validate.hpp"
#include "daemon/vmm/cpu_list.hpp"
#include "daemon/vmm/guest_agent.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <chrono>
#include <poll.h>
#include <set>
#include <utility>

// How many virtual processors a guest has. What is recorded is what it shall have: one that the
// guest has not let go of yet is there, but no part of what is started next.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using std::chrono::milliseconds;

/// A guest makes itself a processor of what came within some hundred milliseconds.
constexpr milliseconds agent_time{5'000};
constexpr int look_interval_ms = 200;

std::string of(unsigned count, unsigned maximum) {
    return std::to_string(count) + " of " + std::to_string(maximum);
}

bool can_change(const api::PartitionSpec& spec) {
    return spec.boot.machine != api::Machine::microvm && spec.acpi;
}

/// No VMM is asked whether it can: under mshv it would say yes.
void refuse_fixed(const store::PartitionRow& row, const api::PartitionSpec& spec) {
    const auto refuse = [&](const std::string& why) {
        throw Error(ErrorCode::unsupported,
                    "The virtual processors of '" + row.name + "' are fixed while it runs: " + why,
                    "with --config its definition gets them, for the next start");
    };
    if (spec.boot.machine == api::Machine::microvm) {
        refuse("the machine microvm tells a guest of none that comes or goes");
    }
    if (!spec.acpi) {
        refuse("without ACPI a guest hears of none that comes or goes");
    }
    if (row.runtime->accelerator == api::to_name(api::Accelerator::mshv)) {
        refuse("under mshv its VMM makes a processor only once, and cannot take one away");
    }
}

/// 0 where it is not known.
std::size_t processors_of_host(const std::string& sys) {
    return vmm::read_cpu_list(sys + "/devices/system/cpu/online").value_or(api::CpuSet{}).size();
}

void refuse_count(const store::PartitionRow& row, const api::Cpu& cpu, unsigned count) {
    if (count == 0) {
        throw Error(ErrorCode::invalid, "A partition has at least one virtual processor");
    }
    if (count > cpu.maximum) {
        throw Error(ErrorCode::invalid,
                    "'" + row.name + "' cannot have " + std::to_string(count) +
                        " virtual processors: the most is " + std::to_string(cpu.maximum),
                    "vcpu-set --maximum makes that more, for its next start");
    }
}

/// As xl does. A guest with more is slower than one with as many.
void refuse_crowd(const api::SetVcpusRequest& request, const std::string& sys) {
    const auto host = processors_of_host(sys);
    if (!request.ignore_host && host != 0 && request.count > host) {
        throw Error(ErrorCode::invalid,
                    "This host has " + std::to_string(host) + " processors, which is less than " +
                        std::to_string(request.count),
                    "with -i it is done nevertheless");
    }
}

/// Null where nobody answers.
vmm::GuestAgent* answering(vmm::VmmProcess& process, Deadline deadline) {
    auto* const agent = vmm::guest_agent_of(process);
    return agent != nullptr && process.agent_connected(deadline) ? agent : nullptr;
}

vmm::AgentTime agent_turn(Deadline deadline) {
    return {deadline, deadline, "vcpu-set"};
}

/// The guest stops using as many as are to go, the last ones. What it will not do is left to ACPI.
void put_offline(vmm::GuestAgent& agent, unsigned count, Deadline deadline) {
    auto vcpus = agent.vcpus(agent_turn(deadline));
    std::sort(vcpus.begin(), vcpus.end(),
              [](const auto& one, const auto& other) { return one.id < other.id; });
    std::vector<vmm::GuestVcpu> going;
    for (std::size_t i = count; i < vcpus.size(); ++i) {
        if (vcpus[i].online && vcpus[i].can_offline) {
            going.push_back({vcpus[i].id, false, true});
        }
    }
    if (!going.empty()) {
        agent.set_vcpus(going, agent_turn(deadline));
    }
}

/// The guest uses those that it had not `before`, as soon as it has heard of all `count`.
bool put_online(vmm::GuestAgent& agent, const std::set<std::int64_t>& before, unsigned count,
                Deadline deadline) {
    for (;;) {
        const auto vcpus = agent.vcpus(agent_turn(deadline));
        std::vector<vmm::GuestVcpu> coming;
        for (const auto& vcpu : vcpus) {
            if (!vcpu.online && !before.contains(vcpu.id)) {
                coming.push_back({vcpu.id, true, true});
            }
        }
        if (!coming.empty()) {
            agent.set_vcpus(coming, agent_turn(deadline));
        }
        if (vcpus.size() >= count) {
            return true;
        }
        if (deadline.expired()) {
            return false;
        }
        const int turn = std::min(look_interval_ms, deadline.poll_timeout());
        ::poll(nullptr, 0, turn); // paces: the guest tells nobody that it has it
    }
}

} // namespace

api::PartitionView Tuning::set_vcpus(const Directory::EntryPtr& entry,
                                     const api::SetVcpusRequest& request, const std::string& actor,
                                     Deadline wait_busy) {
    const auto held = core_.hold(*entry, "vcpu-set", actor, wait_busy);
    const auto& row = held.row;
    if (request.maximum) {
        return set_most_vcpus(row, request, actor);
    }
    const Scope scope = scope_of(row, request.live, request.config);
    refuse_crowd(request, core_.options.sys);
    api::PartitionSpec next;
    Recorded what{nullptr, nullptr, "partition.vcpus", {}};
    std::shared_ptr<vmm::VmmProcess> process;
    const auto deadline = Deadline::after(milliseconds(request.timeout_ms));
    if (scope.live) {
        next = core_.running_spec(row);
        refuse_fixed(row, next);
        refuse_count(row, next.cpu, request.count);
        next.cpu.current = request.count;
        process = core_.process_of(row);
        plug_of(*process).vcpu_count(core_.vmm_deadline()); // can it be asked?
        what.running = &next;
        what.detail = of(request.count, next.cpu.maximum);
    }
    std::optional<Operations::Replacement> definition;
    if (scope.config) {
        auto spec = core_.definition(row).spec;
        refuse_count(row, spec.cpu, request.count);
        spec.cpu.current = request.count;
        definition = replacement(row, spec, scope.live ? &next : nullptr,
                                 "virtual processors " + of(spec.cpu.current, spec.cpu.maximum));
        what.definition = &*definition;
    }
    record(row, what, actor);
    if (row.runtime) {
        note_vcpus(row);
    }
    if (scope.live) {
        tell_vcpus(row, next, *process, deadline);
    }
    return core_.view(row.uuid);
}

api::PartitionView Tuning::set_most_vcpus(const store::PartitionRow& row,
                                          const api::SetVcpusRequest& request,
                                          const std::string& actor) {
    if (request.live) {
        throw Error(ErrorCode::unsupported,
                    "No VMM here makes room for more virtual processors while it runs",
                    "without --live the definition gets it, for the next start");
    }
    auto spec = core_.definition(row).spec;
    if (spec.cpu.current > request.count) {
        throw Error(ErrorCode::invalid,
                    "The definition gives '" + row.name + "' " + std::to_string(spec.cpu.current) +
                        " virtual processors, which is more than " + std::to_string(request.count),
                    "make that less first: vcpu-set --config");
    }
    spec.cpu.maximum = request.count;
    const auto next = replacement(row, spec, nullptr,
                                  "virtual processors " + of(spec.cpu.current, spec.cpu.maximum));
    record(row, {nullptr, &next, {}, {}}, actor);
    if (row.runtime) {
        note_vcpus(row);
    }
    return core_.view(row.uuid);
}

vmm::VcpuPlug& Tuning::plug_of(vmm::VmmProcess& process) {
    auto* const plug = vmm::vcpu_plug_of(process);
    if (plug == nullptr) {
        throw Error(ErrorCode::unsupported, "This VMM has the processors that it began with");
    }
    return *plug;
}

void Tuning::tell_vcpus(const store::PartitionRow& row, const api::PartitionSpec& next,
                        vmm::VmmProcess& process, Deadline deadline) {
    const unsigned count = next.cpu.current;
    auto& plug = plug_of(process);
    const auto had = plug.vcpu_count(core_.vmm_deadline());
    std::set<std::int64_t> known;
    vmm::GuestAgent* agent = nullptr;
    // The guest's help is welcome, not needed: ACPI tells it the same.
    const auto ask = [&](auto&& what) {
        try {
            what();
        } catch (const std::exception& error) {
            core_.log(Severity::info, "the agent in '" + row.name +
                                          "' was no help with its processors: " + error.what());
            agent = nullptr;
        }
    };
    ask([&] {
        agent = answering(process, core_.vmm_deadline());
        if (agent != nullptr && count < had.present) {
            put_offline(*agent, count, Deadline::after(agent_time));
        } else if (agent != nullptr) {
            for (const auto& vcpu : agent->vcpus(agent_turn(Deadline::after(agent_time)))) {
                known.insert(vcpu.id);
            }
        }
    });
    try {
        plug.set_vcpus(count, deadline);
        MSHV_CRASHPOINT("control.after_vcpus");
    } catch (const Error& error) {
        if (!came_to(row, next, plug, error)) {
            throw;
        }
    }
    if (count > had.present) {
        if (!next.cpu.pins.empty() || !next.cpu.emulator_cpus.empty()) {
            tell_pins(row, next, process, deadline); // of threads that are new
        }
        ask([&] {
            if (agent != nullptr &&
                !put_online(*agent, known, count, Deadline::after(agent_time))) {
                core_.log(Severity::info,
                          "the guest of '" + row.name + "' has not heard of a processor yet");
            }
        });
    }
}

/// Whether it has what it shall have nevertheless. Where the guest has not let go of one it is not
/// asked again; another failure is believed.
bool Tuning::came_to(const store::PartitionRow& row, const api::PartitionSpec& next,
                     vmm::VcpuPlug& plug, const api::Error& error) {
    vmm::VcpuCount has;
    try {
        has = plug.vcpu_count(core_.vmm_deadline());
    } catch (const std::exception& later) {
        core_.log(Severity::warning, "the virtual processors of '" + row.name +
                                         "' are looked at again later: " + later.what());
        return false;
    }
    const unsigned count = next.cpu.current;
    if (has.present == count && has.later == count) {
        return true;
    }
    if (has.later == count && has.present > count) {
        core_.store.write([&](store::Transaction& t) {
            if (t.find(row.id)) {
                t.event("partition.vcpus-kept", row.id, "mshvd",
                        "the guest has not let go of " + std::to_string(has.present - count) +
                            " virtual processors yet");
            }
        });
        if (error.code() == ErrorCode::timeout) {
            throw Error(ErrorCode::timeout,
                        "The guest of '" + row.name + "' has not let go of " +
                            std::to_string(has.present - count) + " virtual processors",
                        row.state == api::State::paused
                            ? "it does when it is unpaused"
                            : "they go when it does, and are no part of its next start");
        }
        return false;
    }
    believe_vcpus(row, has.present, error.message());
    try {
        plug.set_vcpus(has.present, core_.vmm_deadline()); // in later generations, too
    } catch (const std::exception& later) {
        core_.log(Severity::warning, "later generations of '" + row.name +
                                         "' are told of its processors later: " + later.what());
    }
    return false;
}

void Tuning::believe_vcpus(const store::PartitionRow& row, unsigned present,
                           const std::string& why) {
    auto spec = core_.running_spec(row);
    spec.cpu.current = present;
    record(row,
           {&spec, nullptr, "partition.vcpus-refused", of(present, spec.cpu.maximum) + ": " + why},
           "mshvd");
    note_vcpus(row);
}

bool Tuning::has_vcpus(const api::PartitionSpec& spec, vmm::VmmProcess& process) {
    auto* const plug = can_change(spec) ? vmm::vcpu_plug_of(process) : nullptr;
    if (plug == nullptr) {
        return true;
    }
    const auto has = plug->vcpu_count(core_.vmm_deadline());
    return has.later == spec.cpu.current && has.present >= spec.cpu.current;
}

void Tuning::settle_vcpus(const store::PartitionRow& row, vmm::VmmProcess& process) {
    const auto spec = core_.running_spec(row);
    if (!has_vcpus(spec, process)) {
        tell_vcpus(row, spec, process, core_.vmm_deadline());
    }
}

void Tuning::note_vcpus(const store::PartitionRow& row) {
    const auto count = core_.running_spec(row).cpu.current;
    if (const LivePtr live = core_.lives.find(row.uuid);
        live && live->incarnation == row.runtime->incarnation) {
        posix::Lock lock(live->mutex);
        live->vcpus = count;
    }
}

void Tuning::vcpu_gone(const api::Uuid& uuid) noexcept {
    try {
        const auto entry = core_.directory.find(uuid);
        if (!entry || !entry->row.runtime) {
            return;
        }
        const auto held = core_.hold(*entry, "settle settings", "mshvd", core_.vmm_deadline());
        if (!held.row.runtime) {
            return;
        }
        const auto process = core_.process_of(held.row);
        auto& plug = plug_of(*process);
        const auto has = plug.vcpu_count(core_.vmm_deadline());
        auto spec = core_.running_spec(held.row);
        if (has.present < spec.cpu.current) {
            spec.cpu.current = has.present; // the guest did it by itself
            plug.set_vcpus(has.present, core_.vmm_deadline());
        }
        record(held.row,
               {&spec, nullptr, "partition.vcpus",
                "the guest let go of one: " + of(has.present, spec.cpu.maximum)},
               "guest");
        note_vcpus(held.row);
    } catch (const std::exception& error) {
        core_.log(Severity::info, "processors of " + api::to_string(uuid) +
                                      " are looked at again later: " + error.what());
    }
}

} // namespace mshv::control
