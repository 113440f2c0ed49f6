// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/process.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "daemon/vmm/qemu/vcpus.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>

// Virtual processors that come and go while the guest runs. As with devices one that comes is in
// what the keeper starts later generations with before it is in the present VMM, and one that goes
// the other way round. A generation begins with all of its processors.

namespace mshv::vmm {

using keeper::Message;

VcpuPlug* vcpu_plug_of(VmmProcess& process) {
    return dynamic_cast<VcpuPlug*>(&process);
}

bool is_vcpu(std::string_view device) {
    return qemu::is_vcpu_name(device);
}

std::vector<qemu::CpuSlot> KeeperProcess::cpu_slots(Deadline deadline) {
    return qemu::parse_cpu_slots(qmp(qemu::qmp_command("query-hotpluggable-cpus"),
                                     "look at the virtual processors", deadline));
}

VcpuCount KeeperProcess::vcpu_count(Deadline deadline) {
    const auto later = qemu::vcpus_of(makeup(deadline).argv);
    const auto slots = cpu_slots(deadline);
    return {qemu::present_in(slots), later, qemu::in_order(slots)};
}

void KeeperProcess::set_later_vcpus(unsigned count, Deadline deadline) {
    const auto before = makeup(deadline);
    if (qemu::vcpus_of(before.argv) != count) {
        auto next = before;
        next.argv = qemu::with_vcpus(before.argv, count);
        amend(before, next, nullptr, {}, deadline);
    }
}

void KeeperProcess::set_vcpus(unsigned count, Deadline deadline) {
    const auto slots = cpu_slots(deadline);
    const unsigned present = qemu::present_in(slots);
    if (count > slots.size()) {
        throw api::Error(api::ErrorCode::invalid, "The VMM has room for " +
                                                      std::to_string(slots.size()) +
                                                      " virtual processors");
    }
    if (count < present) {
        take_vcpus(slots, count, deadline);
        return;
    }
    set_later_vcpus(count, deadline);
    unsigned has = present;
    for (unsigned next = 0; next < slots.size() && has < count; ++next) {
        if (!slots[next].path.empty()) {
            continue;
        }
        MSHV_CRASHPOINT("vmm.vcpu_add.before");
        const auto said = qmp(qemu::plug_command(slots[next], next), "add a processor", deadline);
        MSHV_CRASHPOINT("vmm.vcpu_add.after");
        // A generation that began meanwhile has all of them.
        if (!qemu::error_text(said).empty() && qemu::present_in(cpu_slots(deadline)) <= has) {
            qemu::expect_success(said, "add a virtual processor");
        }
        ++has;
    }
}

void KeeperProcess::take_vcpus(const std::vector<qemu::CpuSlot>& slots, unsigned count,
                               Deadline deadline) {
    unsigned left = qemu::present_in(slots);
    for (auto last = slots.rbegin(); last != slots.rend() && left > count; ++last) {
        if (last->path.empty()) {
            continue;
        }
        MSHV_CRASHPOINT("vmm.vcpu_del.before");
        const Message answer = unplug(qemu::unplug_name(*last), deadline);
        MSHV_CRASHPOINT("vmm.vcpu_del.after");
        if (answer.word == "ok") {
            --left;
            continue;
        }
        const auto soon = Deadline::after(std::chrono::seconds(5));
        if (answer.text("code") == "vmm_gone") {
            break; // the next generation shall not have it
        }
        const auto has = qemu::present_in(cpu_slots(soon));
        if (has < left) {
            left = has;
            continue; // the keeper's word of it was lost
        }
        // It may let go in an hour; but it is no part of what is started next.
        set_later_vcpus(answer.text("code") == "timeout" ? count : has, soon);
        throw to_error(answer, "take a virtual processor away");
    }
    set_later_vcpus(count, Deadline::after(std::chrono::seconds(5)));
}

} // namespace mshv::vmm
