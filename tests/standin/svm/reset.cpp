// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/svm/reset.hpp"

#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin::svm {
namespace {

constexpr u16 real_mode_code = 0x9B;
constexpr u32 family_in_edx = 1;

} // namespace

void set_init_state(VirtualProcessor& vp) {
    Vmcb& v = vp.vmcb;
    constexpr Segment data{0, 0x93, 0xFFFF, 0};
    v.cs = {0xF000, real_mode_code, 0xFFFF, 0xFFFF0000};
    v.ds = v.es = v.ss = v.fs = v.gs = data;
    v.tr = {0, 0x8B, 0xFFFF, 0};
    v.ldtr = {0, 0x82, 0xFFFF, 0};
    v.gdtr = v.idtr = {0, 0, 0xFFFF, 0};
    v.cpl = 0;
    v.cr0 = 0x60000010;
    v.cr2 = v.cr3 = v.cr4 = 0;
    v.efer = efer::svme;
    v.dr6 = 0xFFFF0FF0;
    v.dr7 = 0x400;
    v.rflags = 2;
    v.rip = 0xFFF0;
    v.rsp = v.rax = 0;
    v.interrupt_shadow = v.event_injection = v.exit_interrupt_info = 0;
    vp.registers = {};
    vp.registers.rdx = cpuid(family_in_edx).eax;
}

void set_startup_state(VirtualProcessor& vp, u32 vector) {
    vp.vmcb.cs = {static_cast<u16>(vector << 8), real_mode_code, 0xFFFF, u64{vector} << 12};
    vp.vmcb.rip = 0;
}

} // namespace mshv::standin::svm
