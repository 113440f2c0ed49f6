// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/preparation.hpp"
#include "daemon/control/tuning.hpp"
#include "daemon/domain/validate.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

// How much of its memory a guest has. What its balloon is asked for holds for each generation of
// its VMM; what it leaves the guest is the guest's own matter.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using domain::mebibyte;

/// With less a guest that has booted ends its programs, and itself.
constexpr std::uint64_t least_left = 64 * mebibyte;

std::string in_mib(std::uint64_t bytes) {
    return std::to_string(bytes / mebibyte) + " MiB";
}

std::uint64_t target_of(const api::Memory& memory) {
    return memory.target().value_or(memory.size);
}

void refuse_fraction(std::uint64_t bytes) {
    if (bytes == 0 || bytes % mebibyte != 0) {
        throw Error(ErrorCode::invalid,
                    std::to_string(bytes) + " bytes of memory are no whole number of MiB");
    }
}

void refuse_target(const store::PartitionRow& row, const api::Memory& memory, std::uint64_t bytes) {
    refuse_fraction(bytes);
    if (bytes > memory.size) {
        throw Error(ErrorCode::invalid,
                    "The guest of '" + row.name + "' cannot have " + in_mib(bytes) +
                        ": all of its memory is " + in_mib(memory.size),
                    "mem-max gives it more with its next start");
    }
    const std::uint64_t least = std::min(least_left, memory.size);
    if (bytes < least) {
        throw Error(ErrorCode::invalid, "The guest of '" + row.name + "' would not live with " +
                                            in_mib(bytes) + ": the least is " + in_mib(least));
    }
}

void refuse_without_balloon(const store::PartitionRow& row, const api::PartitionSpec& spec,
                            std::string_view accelerator) {
    if (accelerator == api::to_name(api::Accelerator::mshv)) {
        throw Error(ErrorCode::unsupported,
                    "mshv has no balloon: the guest of '" + row.name + "' keeps all of its memory",
                    "mem-max changes that for its next start");
    }
    if (!spec.devices.balloon) {
        throw Error(ErrorCode::unsupported,
                    "Partition '" + row.name +
                        "' has no balloon: its definition says <memballoon model='none'/>",
                    "take that out of it, and start it anew");
    }
}

/// All of it needs no word.
void set_target(api::Memory& memory, std::uint64_t bytes) {
    memory.current = bytes < memory.size ? std::optional(bytes) : std::nullopt;
}

std::string say(const api::Memory& memory) {
    return in_mib(target_of(memory)) + " of " + in_mib(memory.size);
}

} // namespace

api::PartitionView Tuning::set_memory(const Directory::EntryPtr& entry,
                                      const api::SetMemoryRequest& request,
                                      const std::string& actor, Deadline wait_busy) {
    const auto held = core_.hold(*entry, request.maximum ? "mem-max" : "mem-set", actor, wait_busy);
    const auto& row = held.row;
    if (request.maximum) {
        return set_maximum(row, request, actor);
    }
    const Scope scope = scope_of(row, request.live, request.config);
    api::PartitionSpec running;
    api::PartitionSpec next;
    Recorded what{nullptr, nullptr, "partition.memory-target", {}};
    std::shared_ptr<vmm::VmmProcess> process;
    const auto deadline = Deadline::after(std::chrono::milliseconds(request.timeout_ms));
    if (scope.live) {
        running = next = core_.running_spec(row);
        refuse_without_balloon(row, running, row.runtime->accelerator);
        refuse_target(row, running.memory, request.size);
        set_target(next.memory, request.size);
        process = core_.process_of(row);
        process->memory_target(deadline); // can it be asked?
        what.running = &next;
        what.detail = say(next.memory);
    }
    std::optional<Operations::Replacement> definition;
    if (scope.config) {
        auto spec = core_.definition(row).spec;
        refuse_target(row, spec.memory, request.size);
        set_target(spec.memory, request.size);
        if (spec.memory.target()) {
            refuse_without_balloon(row, spec, {});
        }
        definition =
            replacement(row, spec, scope.live ? &next : nullptr, "memory of " + say(spec.memory));
        what.definition = &*definition;
    }
    record(row, what, actor);
    if (scope.live) {
        tell_memory(row, running, next, *process, deadline);
    }
    return core_.view(row.uuid);
}

api::PartitionView Tuning::set_maximum(const store::PartitionRow& row,
                                       const api::SetMemoryRequest& request,
                                       const std::string& actor) {
    if (request.live) {
        throw Error(ErrorCode::unsupported,
                    "No VMM here gives a guest that runs another maximum of memory",
                    "without --live the definition gets it, for the next start");
    }
    refuse_fraction(request.size);
    auto spec = core_.definition(row).spec;
    if (const auto target = spec.memory.target(); target && *target > request.size) {
        throw Error(ErrorCode::invalid,
                    "The definition of '" + row.name + "' leaves its guest " + in_mib(*target) +
                        ", which is more than " + in_mib(request.size),
                    "make that less first: mem-set --config");
    } else if (!target) {
        spec.memory.current.reset();
    }
    spec.memory.size = request.size;
    const auto next = replacement(row, spec, nullptr, "memory of " + say(spec.memory));
    record(row, {nullptr, &next, {}, {}}, actor);
    return core_.view(row.uuid);
}

void Tuning::tell_memory(const store::PartitionRow& row, const api::PartitionSpec& before,
                         const api::PartitionSpec& next, vmm::VmmProcess& process,
                         Deadline deadline) {
    try {
        process.set_memory(target_of(next.memory), next.memory.size, deadline);
    } catch (const Error& error) {
        vmm::MemoryTarget has;
        try {
            has = process.memory_target(core_.vmm_deadline());
        } catch (const std::exception& later) {
            core_.log(Severity::warning,
                      "the balloon of '" + row.name + "' is asked again later: " + later.what());
            throw Error(error);
        }
        if (has.bytes == next.memory.target() && has.bytes != before.memory.target()) {
            return;
        }
        believe(row, has, error.message());
        throw;
    }
}

void Tuning::believe(const store::PartitionRow& row, const vmm::MemoryTarget& has,
                     const std::string& why) {
    auto spec = core_.running_spec(row);
    spec.memory.current = has.bytes;
    record(row, {&spec, nullptr, "partition.memory-refused", say(spec.memory) + ": " + why},
           "mshvd");
}

void Tuning::settle_memory(const store::PartitionRow& row, vmm::VmmProcess& process) {
    const auto spec = core_.running_spec(row);
    const auto has = process.memory_target(core_.vmm_deadline());
    if (!has.balloon || has.bytes == spec.memory.target()) {
        return;
    }
    auto before = spec;
    before.memory.current = has.bytes;
    tell_memory(row, before, spec, process, core_.vmm_deadline());
}

/// Else nobody knew it before the balloon moves again.
void Tuning::look(const store::PartitionRow& row, vmm::VmmProcess& process) {
    if (!core_.running_spec(row).devices.balloon ||
        row.runtime->accelerator == api::to_name(api::Accelerator::mshv)) {
        return;
    }
    (void)left_to(row, process, core_.vmm_deadline());
}

std::uint64_t Tuning::left_to(const store::PartitionRow& row, vmm::VmmProcess& process,
                              Deadline deadline) {
    const auto bytes = process.memory(deadline);
    if (const LivePtr live = core_.lives.find(row.uuid);
        live && live->incarnation == row.runtime->incarnation) {
        posix::Lock lock(live->mutex);
        live->memory = static_cast<std::int64_t>(bytes);
    }
    return bytes;
}

api::MemoryView Tuning::memory(const store::PartitionRow& row, Deadline deadline) {
    const bool runs = row.runtime.has_value();
    const auto spec = runs ? core_.running_spec(row) : core_.definition(row).spec;
    api::MemoryView view{spec.memory.size, target_of(spec.memory), {}};
    if (runs && spec.devices.balloon &&
        row.runtime->accelerator != api::to_name(api::Accelerator::mshv)) {
        view.reached = left_to(row, *core_.process_of(row), deadline);
    }
    return view;
}

} // namespace mshv::control
