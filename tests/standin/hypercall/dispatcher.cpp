// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/hypercall/dispatcher.hpp"

#include "tests/standin/console/log.hpp"

namespace mshv::standin::hypercall {
namespace {

const Entry* find(u16 code) {
    const std::span<const Entry> groups[] = {memory_calls(), processor_calls(), system_calls(),
                                             interrupt_calls()};
    for (const auto& group : groups) {
        for (const Entry& entry : group) {
            if (entry.form.code == code) {
                return &entry;
            }
        }
    }
    return nullptr;
}

/// Where the partition's page is in the machine; null when it has none there.
u8* reach(const Partition& partition, GuestPhysicalAddress gpa, bool write) {
    const auto found = partition.memory.find(gpa);
    return found.present && (!write || found.rights.write) ? at<u8>(found.address) : nullptr;
}

struct Result {
    Status status;
    u32 done;
};

Result perform(const Entry& entry, const Control& control, Call& call) {
    const Status wrong = call.input == nullptr ? Status::invalid_alignment : Status::success;
    if (wrong != Status::success) {
        return {wrong, control.rep_start};
    }
    call.first = call.done = control.rep_start;
    call.last = control.rep_count;
    const Status status = entry.handler(call);
    return {status, call.done};
}

Result answer(Partition& caller, u32 lp, VirtualProcessor& vp, const Control& control) {
    const Entry* entry = find(control.code);
    if (entry == nullptr) {
        return {Status::invalid_hypercall_code, 0};
    }
    const u64 input = vp.registers.rdx;
    const u64 output = vp.registers.r8;
    const Status form = check(entry->form, control, input, output);
    if (form != Status::success) {
        return {form, 0};
    }
    if ((caller.privileges & entry->privilege) != entry->privilege) {
        return {Status::access_denied, 0};
    }
    const u64 in_registers[2] = {input, output};
    const bool has_output = entry->form.output != 0 || entry->form.element_out != 0;
    Call call{caller,
              lp,
              control.fast ? reinterpret_cast<const u8*>(in_registers)
                           : reach(caller, input, false),
              has_output ? reach(caller, output, true) : nullptr,
              control.var_header,
              0,
              0,
              0,
              entry->form};
    // A call without input need not name a page.
    if (entry->form.header == 0 && entry->form.element_in == 0) {
        call.input = reinterpret_cast<const u8*>(in_registers);
    }
    if (has_output && call.output == nullptr) {
        return {Status::invalid_alignment, 0};
    }
    return perform(*entry, control, call);
}

} // namespace

void dispatch(Partition& caller, u32 lp, VirtualProcessor& vp) {
    if (vp.vmcb.cpl != 0 || (caller.hypercall_page & 1) == 0) {
        vp.raise_invalid_opcode();
        return;
    }
    const Control control = decode(vp.registers.rcx);
    const Result result = answer(caller, lp, vp, control);
    if (result.status != Status::success) {
        Log() << "hypercall " << Hex{control.code} << " partition " << caller.id << " status "
              << Hex{static_cast<u64>(result.status)} << " done " << result.done;
    }
    vp.vmcb.rax = encode_result(result.status, result.done);
    vp.skip(3);
}

} // namespace mshv::standin::hypercall
