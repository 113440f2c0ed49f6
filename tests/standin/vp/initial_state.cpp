// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/initial_state.hpp"

#include "tests/standin/svm/reset.hpp"
#include "tests/standin/vp/extended_state.hpp"
#include "tests/standin/vp/trapping.hpp"

namespace mshv::standin::initial_state {
namespace {

constexpr u64 apic_rate = 200'000'000;

void set_registers(ChildVp& vp) {
    svm::set_init_state(vp.cpu);
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
    vp.eoi_assisted = false;
    vp.activity =
        vp.apic.bootstrap() ? ChildVp::Activity::running : ChildVp::Activity::waiting_for_startup;
}

void on_startup(ChildVp& vp, u32 vector) {
    svm::set_startup_state(vp.cpu, vector);
    vp.activity = ChildVp::Activity::running;
}

} // namespace mshv::standin::initial_state
