// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/preparation.hpp"
#include "daemon/control/tuning.hpp"
#include "daemon/domain/validate.hpp"
#include "toolstack/libs/api/io_limits.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

// What the transfers of disks are held to. The VMM counts; each generation is told before its
// guest runs.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using api::IoTune;
using Request = api::SetDiskLimitsRequest;

/// A total and the limits of single directions, which exclude each other.
struct Family {
    std::optional<api::IoLimit> IoTune::*total;
    std::optional<api::IoLimitChange> Request::*total_change;
    struct Part {
        std::optional<api::IoLimit> IoTune::*limit;
        std::optional<api::IoLimitChange> Request::*change;
    };
    std::array<Part, 2> parts;
};
constexpr std::array families{
    Family{&IoTune::total_bytes,
           &Request::total_bytes,
           {{{&IoTune::read_bytes, &Request::read_bytes},
             {&IoTune::write_bytes, &Request::write_bytes}}}},
    Family{
        &IoTune::total_iops,
        &Request::total_iops,
        {{{&IoTune::read_iops, &Request::read_iops}, {&IoTune::write_iops, &Request::write_iops}}}},
};

/// True when there is a limit now because of the change.
bool apply(std::optional<api::IoLimit>& limit, const std::optional<api::IoLimitChange>& change) {
    if (!change) {
        return false;
    }
    if (change->per_second == 0U && !change->max && !change->max_length) {
        limit.reset();
        return false;
    }
    api::IoLimit next = limit.value_or(api::IoLimit{});
    next.per_second = change->per_second.value_or(next.per_second);
    next.max = change->max.value_or(next.max);
    next.max_length = change->max_length.value_or(next.max_length);
    limit = next;
    return true;
}

void change(std::optional<IoTune>& limits, const Request& request) {
    IoTune tune = limits.value_or(IoTune{});
    for (const auto& family : families) {
        const bool total = apply(tune.*family.total, request.*family.total_change);
        bool single = false;
        for (const auto& part : family.parts) {
            const bool set = apply(tune.*part.limit, request.*part.change);
            single = single || set;
            if (total && !(request.*part.change)) {
                (tune.*part.limit).reset();
            }
        }
        if (single && !(request.*family.total_change)) {
            (tune.*family.total).reset();
        }
    }
    limits = tune;
    api::normalise(limits);
}

api::Disk& disk_of(api::PartitionSpec& spec, const std::string& name, const std::string& target) {
    auto& disks = spec.devices.disks;
    const auto found = std::find_if(disks.begin(), disks.end(), [&](const api::Disk& disk) {
        return disk.target == target || disk.alias == target;
    });
    if (found == disks.end()) {
        throw Error(ErrorCode::not_found, "Partition '" + name + "' has no disk " + target,
                    "mshvctl block-list shows those that it has");
    }
    return *found;
}

std::string say(const api::Disk& disk) {
    const std::string text = api::limits_text(disk.iotune);
    return disk.target + (text.empty() ? " without limits" : " " + text);
}

} // namespace

api::PartitionView Tuning::set_disk_limits(const Directory::EntryPtr& entry, const Request& request,
                                           const std::string& actor, Deadline wait_busy) {
    const auto held = core_.hold(*entry, "block-limit", actor, wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, request.live, request.config);
    api::PartitionSpec next;
    Recorded what{nullptr, nullptr, "partition.disk-limited", {}};
    std::shared_ptr<vmm::VmmProcess> process;
    const auto deadline = Deadline::after(std::chrono::milliseconds(request.timeout_ms));
    if (scope.live) {
        next = core_.running_spec(row);
        change(disk_of(next, row.name, request.target).iotune, request);
        refuse_when_invalid(domain::validate(next), row.name);
        process = core_.process_of(row);
        process->disk_limits(deadline); // can it be asked?
        what.running = &next;
        what.detail = say(disk_of(next, row.name, request.target));
    }
    std::optional<Operations::Replacement> definition;
    if (scope.config) {
        auto spec = core_.definition(row).spec;
        auto& disk = disk_of(spec, row.name, request.target);
        change(disk.iotune, request);
        definition = replacement(row, spec, scope.live ? &next : nullptr, "disk " + say(disk));
        what.definition = &*definition;
    }
    record(row, what, actor);
    if (scope.live) {
        tell_limits(row, next, disk_of(next, row.name, request.target), *process, deadline);
    }
    return core_.view(row.uuid);
}

void Tuning::tell_limits(const store::PartitionRow& row, const api::PartitionSpec& next,
                         const api::Disk& disk, vmm::VmmProcess& process, Deadline deadline) {
    try {
        process.set_disk_limits(disk.alias, disk.iotune, deadline);
    } catch (const Error& error) {
        vmm::DiskLimits has;
        try {
            has = process.disk_limits(core_.vmm_deadline());
        } catch (const std::exception& later) {
            core_.log(Severity::warning,
                      "the disks of '" + row.name + "' are limited later: " + later.what());
            throw Error(error);
        }
        const auto found = has.find(disk.alias);
        const auto now = found == has.end() ? std::nullopt : std::optional(found->second);
        if (now == disk.iotune) {
            return;
        }
        auto spec = next;
        auto& kept = disk_of(spec, row.name, disk.target);
        kept.iotune = now;
        record(
            row,
            {&spec, nullptr, "partition.disk-limits-refused", say(kept) + ": " + error.message()},
            "mshvd");
        throw;
    }
}

void Tuning::settle_limits(const store::PartitionRow& row, vmm::VmmProcess& process) {
    const auto spec = core_.running_spec(row);
    const auto has = process.disk_limits(core_.vmm_deadline());
    for (const auto& disk : spec.devices.disks) {
        const auto found = has.find(disk.alias);
        const auto now = found == has.end() ? std::nullopt : std::optional(found->second);
        if (now != disk.iotune) {
            tell_limits(row, core_.running_spec(row), disk, process, core_.vmm_deadline());
        }
    }
}

} // namespace mshv::control
