// SPDX-License-Identifier: Apache-2.0
//
// Interrupts of children, and what their parent wants to see of them. Source of the layouts:
// Linux's include/hyperv/hvhdk.h, and TLFS for HvCallTranslateVirtualAddress,
// HvCallInstallIntercept and HvCallRegisterInterceptResult.
#include "tests/standin/hypercall/posted.hpp"
#include "tests/standin/hypercall/target.hpp"
#include "tests/standin/partition/deposited_page.hpp"
#include "tests/standin/partition/synic_delivery.hpp"
#include "tests/standin/vp/child_cpuid.hpp"
#include "tests/standin/vp/guest_code.hpp"
#include "tests/standin/vp/interrupt_controller.hpp"
#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin::hypercall {
namespace {

// enum hv_interrupt_type; the first eight are an APIC's delivery modes.
constexpr u32 type_external = 7;
constexpr u32 type_local_lint0 = 8;
constexpr u32 type_local_lint1 = 9;
constexpr u32 lowest_vector = 16;

/// { u64 partition, u32 type, u32 level and logical, u64 apic id, u32 vector, u8 vtl, … }
Status assert_virtual_interrupt(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    const u32 type = call.in<u32>(8);
    vlapic::Command command;
    command.mode = type;
    command.level = (call.in<u32>(12) & 1) != 0;
    command.logical = (call.in<u32>(12) & 2) != 0;
    command.destination = static_cast<u32>(call.in<u64>(16));
    command.vector = call.in<u32>(24);
    const bool fixed = type == vlapic::mode::fixed || type == vlapic::mode::lowest_priority;
    if (command.vector > 0xFF || (fixed && command.vector < lowest_vector) ||
        type > type_local_lint1) {
        return Status::invalid_parameter;
    }
    if (type == type_external || type == type_local_lint0) {
        interrupt_controller::send_external(*child, command.vector);
        return Status::success;
    }
    if (type == type_local_lint1) {
        command.mode = vlapic::mode::nmi;
    }
    interrupt_controller::send(*child, nullptr, command);
    return Status::success;
}

/// { u64 partition }
Status clear_virtual_interrupt(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child != nullptr) {
        interrupt_controller::clear_external(*child);
    }
    return status;
}

/// { u64 partition, u32 access, u32 kind, u64 parameter }. The kinds that are reported.
Status install_intercept(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    const u32 access = call.in<u32>(8);
    const u32 kind = call.in<u32>(12);
    if (kind != intercept_kind::io_port && kind != intercept_kind::msr &&
        kind != intercept_kind::cpuid) {
        return Status::invalid_parameter;
    }
    const Guard guard(child->lock);
    const u32 bit = 1U << kind;
    child->intercepts = access != 0 ? child->intercepts | bit : child->intercepts & ~bit;
    return Status::success;
}

/// { u64 partition, u32 vp, u32 type = CPUID, u32 leaf, u32 subleaf, u8 one subleaf, u8 always,
/// u16,
///   { u32 value, u32 mask } × 4: EAX, EBX, ECX, EDX }
Status register_intercept_result(Call& call) {
    constexpr u32 cpuid_result = 2; // HV_INTERCEPT_TYPE_X64_CPUID
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    if (call.in<u32>(12) != cpuid_result) {
        return Status::invalid_parameter;
    }
    const RegisteredCpuid result{
        call.in<u32>(8),
        call.in<u32>(16),
        call.in<u32>(20),
        call.in<u8>(24) == 0,
        {call.in<u32>(28), call.in<u32>(36), call.in<u32>(44), call.in<u32>(52)},
        {call.in<u32>(32), call.in<u32>(40), call.in<u32>(48), call.in<u32>(56)}};
    const Guard guard(child->lock);
    if (child->state >= ChildPartition::State::finalized) {
        return Status::invalid_partition_state;
    }
    if (child->cpuid_results.is_full()) {
        void* const page = take_deposited(*child, call.form.code, status);
        if (page == nullptr) {
            return status;
        }
        child->cpuid_results.give(page);
    }
    child->cpuid_results.add(result);
    return Status::success;
}

/// { u64 partition, u32 vp, u32 } { u32 leaf, u32 subleaf }… -> { u32 × 4 }…
Status get_vp_cpuid_values(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    for (; call.done < call.last; ++call.done) {
        const u64 asked = call.element<u64>(call.done);
        call.put_element<CpuidValues>(
            call.done, child_cpuid(vp->partition, vp->index, static_cast<u32>(asked),
                                   static_cast<u32>(asked >> 32), vp->cpu.vmcb.cr4, vp->apic.id()));
    }
    return Status::success;
}

// ---- translation ----

namespace translate {
constexpr u64 write = 1U << 1;
constexpr u64 execute = 1U << 2;
constexpr u64 privilege_exempt = 1U << 3;
constexpr u64 set_page_bits = 1U << 4;
} // namespace translate

/// HV_TRANSLATE_GVA_RESULT_CODE.
u32 code_of(WalkStatus status) {
    switch (status) {
    case WalkStatus::ok:
        return 0;
    case WalkStatus::not_present:
    case WalkStatus::non_canonical:
        return 1;
    case WalkStatus::supervisor_only:
    case WalkStatus::user_page:
    case WalkStatus::no_execute:
        return 2;
    case WalkStatus::write_protected:
        return 6;
    case WalkStatus::reserved_bits:
        return 3;
    case WalkStatus::unreadable:
    case WalkStatus::contended:
        break;
    }
    return 4;
}

/// { u64 partition, u32 vp, u32, u64 control, u64 page } -> { u32 result, u32, u64 page }
Status translate_virtual_address(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    const VpState state(*vp);
    const u64 control = call.in<u64>(16);
    const svm::Vmcb& v = vp->cpu.vmcb;
    const bool user = v.cpl == 3 && (control & translate::privilege_exempt) == 0;
    const Access access{(control & translate::write) != 0, user,
                        (control & translate::execute) != 0};
    const GuestMemory memory = (control & translate::set_page_bits) != 0
                                   ? guest_code::writable_memory_of(vp->partition)
                                   : guest_code::memory_of(vp->partition);
    const WalkResult walked =
        walk(memory, guest_code::paging_of(v), call.in<u64>(24) * page_size, access);
    u32 result = code_of(walked.status);
    const auto found = vp->partition.memory.find(walked.gpa);
    if (result == 0 && !found.present && !found.reserved) {
        constexpr u32 gpa_unmapped = 4;
        result = gpa_unmapped;
    }
    call.out<u32>(0, result);
    call.out<u32>(4, 0);
    call.out<u64>(8, walked.ok() ? walked.gpa / page_size : 0);
    return Status::success;
}

// ---- messages and events to a child ----

/// { u64 partition, u32 vp, u8 vtl, u8, u8 sint, u8, u16 flag, … }
Status signal_event_direct(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    const u32 sint = call.in<u8>(13);
    const u32 flag = call.in<u16>(14);
    if (sint >= synic::sint_count || flag >= synic::Synic::flags_per_sint) {
        return Status::invalid_parameter;
    }
    const bool newly = synic::signal_event(vp->partition, vp->index, sint, flag);
    call.out<u64>(0, newly ? 1 : 0);
    return newly ? Status::success : Status::invalid_synic_state;
}

/// { u64 partition, u32 vp, u8 vtl, u8[3], u32 sint, u8[256] message }
Status post_message_direct(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    const u32 sint = call.in<u32>(16);
    if (sint >= synic::sint_count) {
        return Status::invalid_parameter;
    }
    synic::Message message;
    __builtin_memcpy(&message, call.input + 20, sizeof(message));
    if (message.type == synic::message_type::none) {
        return Status::invalid_parameter;
    }
    return to_status(synic::post(vp->partition, vp->index, sint, message));
}

constexpr u64 parent = privilege::create_partitions;
constexpr Entry entries[] = {
    {{0x4D, "install_intercept", false, false, 24, 0, 0, 0}, parent, install_intercept},
    {{0x52, "translate_virtual_address", false, false, 32, 0, 0, 16},
     parent,
     translate_virtual_address},
    {{0x56, "clear_virtual_interrupt", false, false, 8, 0, 0, 0}, parent, clear_virtual_interrupt},
    {{0x91, "register_intercept_result", false, false, 60, 0, 0, 0},
     parent,
     register_intercept_result},
    {{0x94, "assert_virtual_interrupt", false, false, 32, 0, 0, 0},
     parent,
     assert_virtual_interrupt},
    {{0xC0, "signal_event_direct", false, false, 16, 0, 0, 8}, parent, signal_event_direct},
    {{0xC1, "post_message_direct", false, false, 276, 0, 0, 0}, parent, post_message_direct},
    {{0xF4, "get_vp_cpuid_values", true, false, 16, 8, 16, 0}, parent, get_vp_cpuid_values},
};

} // namespace

std::span<const Entry> virtual_interrupt_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
