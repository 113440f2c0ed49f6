// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/scheduling.hpp"

#include "daemon/control/preparation.hpp"
#include "daemon/control/scope.hpp"
#include "daemon/control/setting_record.hpp"
#include "daemon/domain/canonicalise.hpp"
#include "daemon/domain/validate.hpp"

#include <chrono>
#include <utility>

// Weights and caps; scheduling_pools.cpp has the pools.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

void change(api::PartitionSpec& spec, const api::SetSchedulingRequest& request) {
    auto& cpu = spec.cpu;
    if (request.weight) {
        cpu.weight = request.weight;
    }
    if (request.cap) {
        cpu.cap = request.cap->quota_us == 0 ? std::nullopt : request.cap;
    }
    if (request.pool) {
        cpu.pool = *request.pool;
    }
    domain::canonicalise(spec, random_bits);
}

std::string say(const api::Cpu& cpu) {
    return "weight " + std::to_string(cpu.weight.value_or(api::usual_weight)) +
           (cpu.cap ? ", cap " + std::to_string(cpu.cap->quota_us) + " of " +
                          std::to_string(cpu.cap->period_us) + " us"
                    : ", no cap") +
           ", pool " + (cpu.pool.empty() ? api::first_pool : cpu.pool);
}

bool runs(const store::PartitionRow& row) {
    return row.runtime.has_value();
}

} // namespace

api::SchedulingView Scheduling::view(const Directory::Entry& entry, bool config) {
    const auto& row = entry.row;
    const bool live = runs(row) && !config;
    const auto cpu = (live ? core_.running_spec(row) : core_.definition(row).spec).cpu;
    api::SchedulingView view;
    view.name = row.name;
    view.id = row.id;
    view.uuid = row.uuid;
    view.state = row.state;
    view.weight = cpu.weight.value_or(api::usual_weight);
    view.cap = cpu.cap;
    view.pool = cpu.pool.empty() ? api::first_pool : cpu.pool;
    if (live && core_.groups.available()) {
        if (const auto found = core_.groups.throttling(api::to_string(row.uuid))) {
            view.throttled =
                api::ThrottledView{found->periods, found->throttled, found->throttled_us};
        }
    }
    return view;
}

api::SchedulingList Scheduling::all() {
    api::SchedulingList list;
    for (const auto& entry : core_.directory.all()) {
        try {
            list.partitions.push_back(view(*entry, false));
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found) { // it went meanwhile
                throw;
            }
        }
    }
    return list;
}

api::SchedulingView Scheduling::get(const api::Selector& selector, bool config) {
    return view(*core_.resolve(selector), config);
}

api::SchedulingView Scheduling::set(const api::Selector& selector,
                                    const api::SetSchedulingRequest& request, const Actor& actor,
                                    Deadline wait_busy) {
    const auto entry = core_.resolve(selector);
    const auto held = core_.hold(*entry, "sched", actor.name, wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, request.live, request.config);
    const auto deadline = Deadline::after(std::chrono::milliseconds(request.timeout_ms));
    const auto changed = [&](api::PartitionSpec spec) {
        change(spec, request);
        refuse_when_invalid(domain::validate(spec), row.name);
        refuse_when_invalid(core_.objections(spec), row.name);
        return spec;
    };
    api::PartitionSpec before;
    api::PartitionSpec next;
    Recorded what{nullptr, nullptr, "partition.scheduled", {}};
    if (scope.live) {
        if (!core_.groups.available()) {
            throw Error(
                ErrorCode::unsupported,
                "This host holds no partition to a weight, a cap or a pool of processors: " +
                    core_.groups.why_not());
        }
        before = core_.running_spec(row);
        next = changed(before);
        what.running = &next;
        what.detail = say(next.cpu);
    }
    std::optional<Operations::Replacement> definition;
    if (scope.config) {
        const auto old = core_.definition(row).spec;
        const auto spec = changed(old);
        definition = operations_.replacement(
            row, old, {spec, {}, api::Cause::edited, say(spec.cpu)}, scope.live ? &next : nullptr);
        what.definition = &*definition;
    }
    record_setting(core_, row, what, actor.name);
    if (scope.live) {
        try {
            apply(row.uuid);
        } catch (const std::exception& error) {
            // What is recorded is what is so: the kernel has refused it.
            record_setting(core_, row,
                           {&before, nullptr, "partition.schedule-refused", error.what()}, "mshvd");
            throw Error(ErrorCode::failed,
                        "Cannot change the scheduling of '" + row.name + "': " + error.what());
        }
        pin_again(row, deadline);
    }
    const auto now = core_.directory.find(row.uuid);
    return view(now ? *now : *entry, !scope.live);
}

bool Scheduling::apply(const api::Uuid& uuid) {
    posix::Lock lock(core_.grouping);
    const auto entry = core_.directory.find(uuid);
    if (!entry || !runs(entry->row)) {
        return false;
    }
    const std::string name = api::to_string(uuid);
    const auto wanted = core_.group_settings(core_.running_spec(entry->row));
    const auto has = core_.groups.read(name);
    const bool changes = has != wanted;
    if (changes) {
        core_.groups.make(name, wanted);
    }
    // The keeper first: a VMM that it starts then begins where it is.
    const auto& runtime = *entry->row.runtime;
    for (const auto& process : {runtime.keeper, runtime.vmm}) {
        if (process.pid > 0 && posix::identify_process(process.pid) == process &&
            !core_.groups.holds(name, process.pid)) {
            core_.groups.move_in(name, process.pid);
        }
    }
    return changes;
}

void Scheduling::pin_again(const store::PartitionRow& row, Deadline deadline) {
    const auto spec = core_.running_spec(row);
    if (spec.cpu.pins.empty() && spec.cpu.emulator_cpus.empty()) {
        return;
    }
    try {
        core_.process_of(row)->set_affinity(spec.cpu, deadline);
    } catch (const std::exception& error) {
        core_.log(Severity::warning,
                  "the virtual processors of '" + row.name + "' are pinned later: " + error.what());
    }
}

void Scheduling::settle(const api::Uuid& uuid) noexcept {
    if (!core_.groups.available()) {
        return;
    }
    try {
        if (apply(uuid)) {
            if (const auto entry = core_.directory.find(uuid)) {
                pin_again(entry->row, core_.vmm_deadline());
            }
        }
    } catch (const std::exception& error) {
        core_.log(Severity::warning,
                  "the control group of " + api::to_string(uuid) +
                      " stays as it is until the next change or start of mshvd: " + error.what());
    }
}

void Scheduling::sweep_one(const api::Uuid& uuid) {
    const auto entry = core_.directory.find(uuid);
    if (!entry || (!entry->row.runtime && !entry->row.intent)) {
        (void)core_.groups.remove(api::to_string(uuid));
    }
}

void Scheduling::sweep(const api::Uuid& uuid) noexcept {
    if (!core_.groups.available()) {
        return;
    }
    try {
        posix::Lock lock(core_.grouping);
        sweep_one(uuid);
    } catch (const std::exception& error) {
        core_.log(Severity::warning, error.what());
    }
}

void Scheduling::sweep() noexcept {
    if (!core_.groups.available()) {
        return;
    }
    try {
        posix::Lock lock(core_.grouping);
        for (const auto& name : core_.groups.names()) {
            if (const auto uuid = api::parse_uuid(name)) {
                sweep_one(*uuid);
            }
        }
    } catch (const std::exception& error) {
        core_.log(Severity::warning, error.what());
    }
}

} // namespace mshv::control
