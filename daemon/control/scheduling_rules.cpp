// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/core.hpp"
#include "daemon/vmm/cpu_list.hpp"
#include "toolstack/libs/api/scheduling.hpp"

#include <algorithm>

// What weights, caps and pools say of a definition, and what a group is given of it.

namespace mshv::control {
namespace {

using api::CpuSet;

CpuSet host_cpus(const std::string& sys) {
    return vmm::read_cpu_list(sys + "/devices/system/cpu/possible").value_or(CpuSet{});
}

CpuSet cpus_in(const std::string& text) {
    return api::parse_cpu_set(text).value_or(CpuSet{});
}

api::Problem problem(const std::string& where, std::string message, std::string hint) {
    api::Problem made;
    made.code = "E-HOST";
    made.where = where;
    made.message = std::move(message);
    made.hint = std::move(hint);
    return made;
}

/// The first of `text` that is not in `pool`.
std::optional<unsigned> outside(const std::string& text, const CpuSet& pool) {
    for (const unsigned cpu : cpus_in(text)) {
        if (!std::binary_search(pool.begin(), pool.end(), cpu)) {
            return cpu;
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<CpuSet> Core::cpus_of_pool(const std::string& name,
                                         const std::vector<store::CpuPoolRow>& all) {
    if (!name.empty()) {
        const auto found = std::find_if(all.begin(), all.end(),
                                        [&](const auto& each) { return each.name == name; });
        return found == all.end() ? std::nullopt : std::optional(cpus_in(found->cpus));
    }
    auto rest = host_cpus(options.sys);
    for (const auto& each : all) {
        const auto taken = cpus_in(each.cpus);
        std::erase_if(rest, [&](unsigned cpu) {
            return std::binary_search(taken.begin(), taken.end(), cpu);
        });
    }
    return rest;
}

std::vector<api::Problem> Core::objections(const api::PartitionSpec& spec) {
    auto problems = vmm.objections(spec);
    const auto& cpu = spec.cpu;
    if (!groups.available()) {
        if (cpu.weight || cpu.cap || !cpu.pool.empty()) {
            problems.push_back(problem(cpu.weight ? "/spec/cpu/weight"
                                       : cpu.cap  ? "/spec/cpu/cap"
                                                  : "/spec/cpu/pool",
                                       "this host holds no partition to a weight, a cap or a pool "
                                       "of processors: " +
                                           groups.why_not(),
                                       "leave weight, cap and pool out"));
        }
        return problems;
    }
    if (cpu.pool.empty() && cpu.pins.empty() && cpu.emulator_cpus.empty()) {
        return problems;
    }
    const auto cpus = cpus_of_pool(cpu.pool, store.cpu_pools());
    const std::string name = cpu.pool.empty() ? api::first_pool : cpu.pool;
    if (!cpus) {
        problems.push_back(problem("/spec/cpu/pool", "there is no pool '" + name + "'",
                                   "mshvctl cpupool-list shows those that are there"));
    } else if (cpus->empty() && !cpu.pool.empty()) {
        problems.push_back(problem("/spec/cpu/pool", "the pool '" + name + "' has no processors",
                                   "mshvctl cpupool-cpu-add gives it some"));
    } else if (!cpus->empty()) {
        const auto check = [&](const std::string& where, const std::string& text) {
            if (const auto cpu_outside = outside(text, *cpus)) {
                problems.push_back(problem(where,
                                           "processor " + std::to_string(*cpu_outside) +
                                               " is not in the pool '" + name + "'",
                                           "the pool has " + api::format_cpu_set(*cpus)));
            }
        };
        for (const auto& pin : cpu.pins) {
            check("/spec/cpu/pins", pin.cpus);
        }
        check("/spec/cpu/emulator_cpus", cpu.emulator_cpus);
    }
    return problems;
}

void Core::make_group(const api::Uuid& uuid, const api::PartitionSpec& spec) {
    if (groups.available()) {
        posix::Lock lock(grouping);
        groups.make(api::to_string(uuid), group_settings(spec));
    }
}

cgroup::Settings Core::group_settings(const api::PartitionSpec& spec) {
    cgroup::Settings settings;
    settings.weight = spec.cpu.weight.value_or(api::usual_weight);
    if (spec.cpu.cap) {
        settings.quota_us = spec.cpu.cap->quota_us;
        settings.period_us = spec.cpu.cap->period_us;
    }
    const auto pools = store.cpu_pools();
    // While there is no pool a processor that comes to the host is for everybody at once.
    if (!pools.empty()) {
        if (const auto cpus = cpus_of_pool(spec.cpu.pool, pools)) {
            settings.cpus = cpus->empty() ? "" : api::format_cpu_set(*cpus);
        }
    }
    return settings;
}

} // namespace mshv::control
