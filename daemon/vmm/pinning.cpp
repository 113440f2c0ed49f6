// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/pinning.hpp"

#include "daemon/vmm/cpu_list.hpp"

#include <algorithm>

namespace mshv::vmm {
namespace {

/// With nothing in it when it cannot be read.
api::CpuSet cpus_in(const std::string& path) {
    return read_cpu_list(path).value_or(api::CpuSet{});
}

bool has(const api::CpuSet& cpus, unsigned cpu) {
    return std::binary_search(cpus.begin(), cpus.end(), cpu);
}

} // namespace

void add_pin_objections(std::vector<api::Problem>& to, const api::PartitionSpec& spec,
                        api::Accelerator accelerator, const std::string& scheduler) {
    const auto& cpu = spec.cpu;
    const bool weighs = cpu.weight || cpu.cap || !cpu.pool.empty();
    if (cpu.pins.empty() && cpu.emulator_cpus.empty() && !weighs) {
        return;
    }
    const auto add = [&](const std::string& where, std::string what, std::string hint) {
        api::Problem problem;
        problem.code = "E-HOST";
        problem.where = where;
        problem.message = std::move(what);
        problem.hint = std::move(hint);
        to.push_back(std::move(problem));
    };
    const bool linux_schedules = accelerator != api::Accelerator::mshv || scheduler == "root";
    const std::string who = scheduler.empty()
                                ? "it is not known whether it does"
                                : "here the hypervisor's " + scheduler + " scheduler does";
    if (!linux_schedules && !cpu.pins.empty()) {
        add("/spec/cpu/pins",
            "under mshv Linux pins virtual processors only where it schedules them itself, and " +
                who,
            "mshvctl info shows hv_scheduler; leave the pins out");
        return;
    }
    if (!linux_schedules && weighs) {
        add(cpu.weight ? "/spec/cpu/weight"
            : cpu.cap  ? "/spec/cpu/cap"
                       : "/spec/cpu/pool",
            "under mshv weights, caps and pools hold only where Linux schedules virtual processors "
            "itself, and " +
                who,
            "mshvctl info shows hv_scheduler; leave weight, cap and pool out");
        return;
    }
    const auto possible = cpus_in("/sys/devices/system/cpu/possible");
    const auto online = cpus_in("/sys/devices/system/cpu/online");
    const auto check = [&](const std::string& where, const std::string& text) {
        const auto wanted = api::parse_cpu_set(text).value_or(api::CpuSet{});
        const auto strange = std::find_if(wanted.begin(), wanted.end(),
                                          [&](unsigned each) { return !has(possible, each); });
        if (!possible.empty() && strange != wanted.end()) {
            add(where, "this host has no processor " + std::to_string(*strange),
                "it has " + api::format_cpu_set(possible));
        } else if (!online.empty() &&
                   std::none_of(wanted.begin(), wanted.end(),
                                [&](unsigned each) { return has(online, each); })) {
            add(where, "of the processors " + text + " none is online",
                "online are " + api::format_cpu_set(online));
        }
    };
    for (const auto& pin : cpu.pins) {
        check("/spec/cpu/pins", pin.cpus);
    }
    if (!cpu.emulator_cpus.empty()) {
        check("/spec/cpu/emulator_cpus", cpu.emulator_cpus);
    }
}

} // namespace mshv::vmm
