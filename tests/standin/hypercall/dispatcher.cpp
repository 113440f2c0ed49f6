// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/hypercall/dispatcher.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/faults/injection.hpp"
#include "tests/standin/partition/statistics.hpp"
#include "tests/standin/partition/synic_delivery.hpp"

namespace mshv::standin::hypercall {
namespace {

const Entry* find(u32 code) {
    const std::span<const Entry> groups[] = {
        memory_calls(),    processor_calls(),    system_calls(), interrupt_calls(), stats_calls(),
        synic_calls(),     remote_calls(),       lab_calls(),    partition_calls(),
        guest_memory_calls(), vp_calls(), register_calls(), virtual_interrupt_calls(), port_calls()};
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

/// Tells the caller what became of a call that was answered with call_pending.
void report_end(const Call& call, u64 about, Status status) {
    const synic::CallCompletion completion{about, static_cast<u32>(status)};
    (void)synic::post(call.caller, call.vp, synic::intercept_sint,
                      synic::make_message(synic::message_type::async_call_completion,
                                          call.caller.id, completion));
}

/// Makes the call as far as the faults that are to be committed let it.
Status make(const Entry& entry, Call& call) {
    const u32 most = faults::most_elements();
    if (call.last - call.first > most) {
        call.last = call.first + most;
    }
    const faults::CallFault* const fault = faults::on_call(entry.form.code);
    if (fault == nullptr) {
        return entry.handler(call);
    }
    if (fault->status == Status::call_pending && entry.may_pend != MayPend::no) {
        const bool for_child = entry.may_pend == MayPend::for_child;
        const u64 about = for_child ? call.in<u64>(0) : call.caller.id;
        report_end(call, about, entry.handler(call));
        return Status::call_pending;
    }
    if (fault->elements < call.last - call.first) {
        call.last = call.first + fault->elements;
    }
    const Status status = call.last == call.first ? Status::success : entry.handler(call);
    return status == Status::success ? fault->status : status;
}

Result answer(Partition& caller, u32 index, VirtualProcessor& vp, const Control& control) {
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
              index,
              in,
              out,
              control.var_header,
              control.rep_start,
              control.rep_count,
              control.rep_start,
              entry->form};
    const Status status = make(*entry, call);
    return {status, call.done};
}

} // namespace

bool may_pend(u32 code) {
    const Entry* const entry = find(code);
    return entry != nullptr && entry->may_pend != MayPend::no;
}

void dispatch(Partition& caller, u32 index, VirtualProcessor& vp) {
    if (vp.vmcb.cpl != 0 || (caller.hypercall_page & 1) == 0) {
        vp.raise_invalid_opcode();
        return;
    }
    const Control control = decode(vp.registers.rcx);
    const Result result = answer(caller, index, vp, control);
    stats::publish(caller);
    if (result.status != Status::success) {
        Log() << "hypercall " << Hex{control.code} << " partition " << caller.id << " status "
              << Hex{static_cast<u64>(result.status)} << " done " << result.done;
    }
    vp.vmcb.rax = encode_result(result.status, result.done);
    vp.skip(3);
}

} // namespace mshv::standin::hypercall
