// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/preparation.hpp"
#include "daemon/control/scheduling.hpp"
#include "daemon/control/tuning.hpp"
#include "daemon/domain/canonicalise.hpp"
#include "daemon/domain/validate.hpp"
#include "toolstack/libs/api/cpu_set.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

// On which processors of the host virtual processors run. The VMM's keeper pins its threads, those
// of each generation before they run a guest.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

/// Empty = every processor.
std::string cpus_of(const std::string& text, const std::string& sys) {
    if (text == "all") {
        return {};
    }
    return api::format_cpu_set(named_cpus(text, sys));
}

void pin(api::PartitionSpec& spec, const std::string& name, std::optional<unsigned> vcpu,
         const std::string& cpus) {
    auto& pins = spec.cpu.pins;
    if (vcpu && *vcpu >= spec.cpu.maximum) {
        throw Error(ErrorCode::not_found,
                    "Partition '" + name + "' has no virtual processor " + std::to_string(*vcpu));
    }
    std::erase_if(pins, [&](const api::CpuPin& each) { return !vcpu || each.vcpu == *vcpu; });
    for (unsigned each = vcpu.value_or(0); !cpus.empty() && each < spec.cpu.maximum; ++each) {
        pins.push_back({each, cpus});
        if (vcpu) {
            break;
        }
    }
    domain::canonicalise(spec, random_bits);
}

std::string say(const api::Cpu& cpu) {
    const std::string text = vmm::affinity_text(cpu);
    return text.empty() ? "on all processors" : text;
}

} // namespace

api::PartitionView Tuning::pin_vcpu(const Directory::EntryPtr& entry,
                                    const api::PinVcpuRequest& request, const std::string& actor,
                                    Deadline wait_busy) {
    const auto held = core_.hold(*entry, "vcpu-pin", actor, wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, request.live, request.config);
    const std::string cpus = cpus_of(request.cpus, core_.options.sys);
    api::PartitionSpec before;
    api::PartitionSpec next;
    Recorded what{nullptr, nullptr, "partition.vcpus-pinned", {}};
    std::shared_ptr<vmm::VmmProcess> process;
    const auto deadline = Deadline::after(std::chrono::milliseconds(request.timeout_ms));
    if (scope.live) {
        before = next = core_.running_spec(row);
        pin(next, row.name, request.vcpu, cpus);
        refuse_when_invalid(domain::validate(next), row.name);
        refuse_when_invalid(core_.objections(next), row.name);
        process = core_.process_of(row);
        process->affinity(deadline); // can it be asked?
        what.running = &next;
        what.detail = say(next.cpu);
    }
    std::optional<Operations::Replacement> definition;
    if (scope.config) {
        auto spec = core_.definition(row).spec;
        pin(spec, row.name, request.vcpu, cpus);
        definition = replacement(row, spec, scope.live ? &next : nullptr,
                                 "virtual processors " + say(spec.cpu));
        what.definition = &*definition;
    }
    record(row, what, actor);
    if (scope.live) {
        tell_pins(row, next, *process, deadline);
    }
    return core_.view(row.uuid);
}

void Tuning::tell_pins(const store::PartitionRow& row, const api::PartitionSpec& next,
                       vmm::VmmProcess& process, Deadline deadline) {
    try {
        process.set_affinity(next.cpu, deadline);
    } catch (const Error& error) {
        std::string has;
        try {
            has = process.affinity(core_.vmm_deadline());
        } catch (const std::exception& later) {
            core_.log(Severity::warning, "the virtual processors of '" + row.name +
                                             "' are pinned later: " + later.what());
            throw Error(error);
        }
        if (has == vmm::affinity_text(next.cpu)) {
            return;
        }
        auto spec = next;
        vmm::read_affinity(has, spec.cpu);
        record(row, {&spec, nullptr, "partition.vcpus-not-pinned", error.message()}, "mshvd");
        throw;
    }
}

void Tuning::settle_pins(const store::PartitionRow& row, vmm::VmmProcess& process) {
    const auto spec = core_.running_spec(row);
    if (process.affinity(core_.vmm_deadline()) != vmm::affinity_text(spec.cpu)) {
        tell_pins(row, spec, process, core_.vmm_deadline());
    }
}

} // namespace mshv::control
