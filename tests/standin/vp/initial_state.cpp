// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/initial_state.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/vp/extended_state.hpp"
#include "tests/standin/vp/trapping.hpp"

namespace mshv::standin::initial_state {
namespace {

constexpr u64 apic_rate = 200'000'000;

void set_registers(ChildVp& vp) {
    svm::Vmcb& v = vp.cpu.vmcb;
    constexpr svm::Segment data{0, 0x93, 0xFFFF, 0};
    constexpr u32 family_in_edx = 1;
    v.cs = {0xF000, 0x9B, 0xFFFF, 0xFFFF0000};
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
    vp.cpu.registers = {};
    vp.cpu.registers.rdx = cpuid(family_in_edx).eax;
    vp.injected = 0;
    vp.nmi_masked = false;
}

} // namespace

void on_creation(ChildVp& vp) {
    const bool first = vp.index == 0;
    trapping::set(vp);
    set_registers(vp);
    vp.cpu.vmcb.g_pat = vp.context.msrs.pat;
    extended_state::reset(vp.context);
    vp.apic.reset(vp.index, first, (vp.partition.flags & creation::x2apic) != 0, apic_rate);
    vp.clockwork.reset();
    vp.activity = first ? ChildVp::Activity::running : ChildVp::Activity::waiting_for_startup;
}

/// The first one begins again where it began, any other one waits.
void on_init(ChildVp& vp) {
    set_registers(vp);
    vp.apic.init();
    vp.activity =
        vp.apic.bootstrap() ? ChildVp::Activity::running : ChildVp::Activity::waiting_for_startup;
}

void on_startup(ChildVp& vp, u32 vector) {
    svm::Vmcb& v = vp.cpu.vmcb;
    v.cs = {static_cast<u16>(vector << 8), 0x9B, 0xFFFF, u64{vector} << 12};
    v.rip = 0;
    vp.activity = ChildVp::Activity::running;
}

} // namespace mshv::standin::initial_state
