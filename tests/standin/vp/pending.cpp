// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/pending.hpp"

namespace mshv::standin::pending {
namespace {

// hv_x64_pending_interruption_register.
constexpr u64 is_pending = 1;
constexpr unsigned type_shift = 1; // three bits, as SVM numbers them
constexpr u64 has_error_code = 1ULL << 4;
constexpr unsigned vector_shift = 16; // sixteen bits
constexpr unsigned error_code_shift = 32;

constexpr unsigned svm_type_shift = 8;

} // namespace

u64 interruption(const ChildVp& vp) {
    const u64 event = vp.cpu.vmcb.event_injection;
    if ((event & svm::event::valid) == 0) {
        return 0;
    }
    return is_pending | (event >> svm_type_shift & 7) << type_shift |
           ((event & svm::event::has_error_code) != 0 ? has_error_code : 0) |
           (event & 0xFF) << vector_shift | event >> 32 << error_code_shift;
}

void set_interruption(ChildVp& vp, u64 value) {
    u64 event = 0;
    if ((value & is_pending) != 0) {
        event = svm::event::valid | (value >> type_shift & 7) << svm_type_shift |
                ((value & has_error_code) != 0 ? svm::event::has_error_code : 0) |
                (value >> vector_shift & 0xFF) | value >> error_code_shift << 32;
    }
    vp.cpu.vmcb.event_injection = event;
    vp.injected = event;
}

u64 interrupt_state(const ChildVp& vp) {
    return (vp.cpu.vmcb.interrupt_shadow & 1) | (vp.nmi_masked ? 2 : 0);
}

void set_interrupt_state(ChildVp& vp, u64 value) {
    vp.cpu.vmcb.interrupt_shadow = value & 1;
    vp.nmi_masked = (value & 2) != 0;
}

u64 legal_flags(u64 rflags) {
    constexpr u64 existing = 0x3F7FD5;
    return (rflags & existing) | 2;
}

void mark_used(ChildVp& vp) {
    constexpr std::size_t header = 512;
    vp.context.extended[header] |= 3; // x87 and SSE
}

} // namespace mshv::standin::pending
