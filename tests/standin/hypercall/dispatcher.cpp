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

Result answer(Partition& caller, VirtualProcessor& vp, const Control& control) {
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
    const bool has_input = entry->form.header != 0 || entry->form.element_in != 0;
    const bool has_output = entry->form.output != 0 || entry->form.element_out != 0;
    const bool by_register = control.fast || !has_input; // without input no page need be named
    const u8* const in =
        by_register ? reinterpret_cast<const u8*>(in_registers) : reach(caller, input, false);
    u8* const out = has_output ? reach(caller, output, true) : nullptr;
    if (in == nullptr || (has_output && out == nullptr)) {
        return {Status::invalid_alignment, 0};
    }
    Call call{caller,
              in,
              out,
              control.var_header,
              control.rep_start,
              control.rep_count,
              control.rep_start,
              entry->form};
    const Status status = entry->handler(call);
    return {status, call.done};
}

} // namespace

void dispatch(Partition& caller, VirtualProcessor& vp) {
    if (vp.vmcb.cpl != 0 || (caller.hypercall_page & 1) == 0) {
        vp.raise_invalid_opcode();
        return;
    }
    const Control control = decode(vp.registers.rcx);
    const Result result = answer(caller, vp, control);
    if (result.status != Status::success) {
        Log() << "hypercall " << Hex{control.code} << " partition " << caller.id << " status "
              << Hex{static_cast<u64>(result.status)} << " done " << result.done;
    }
    vp.vmcb.rax = encode_result(result.status, result.done);
    vp.skip(3);
}

} // namespace mshv::standin::hypercall
