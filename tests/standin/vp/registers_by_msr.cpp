// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/registers_by_msr.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/partition/synic_delivery.hpp"
#include "tests/standin/tlfs/msr.hpp"
#include "tests/standin/vp/child_synthetic_msrs.hpp"
#include "tests/standin/vp/msr_storage.hpp"

namespace mshv::standin::registers {
namespace {

struct Pair {
    u32 name;
    u32 msr;
};

/// Those that the hypervisor keeps, by their MSR.
constexpr Pair stored[] = {
    {0x80004, 0x277}, {0x80084, 0x48},  {0x80096, 0x3B},  {0x8000E, 0x2FF}, {0x80070, 0x250},
    {0x80071, 0x258}, {0x80072, 0x259}, {0x80073, 0x268}, {0x80074, 0x269}, {0x80075, 0x26A},
    {0x80076, 0x26B}, {0x80077, 0x26C}, {0x80078, 0x26D}, {0x80079, 0x26E}, {0x8007A, 0x26F},
    {0x8000D, 0xFE},  {0x8009C, 0x1A0},
};
constexpr u32 mtrr_base0 = 0x80010;
constexpr u32 mtrr_mask0 = 0x80040;
constexpr u32 mtrr_pairs = 8;
constexpr u32 mtrr_pairs_named = 16;

/// Those of the synthetic interrupt controller and the timers.
constexpr u32 sint0 = 0xA0000, scontrol = 0xA0010, sversion = 0xA0011, siefp = 0xA0012,
              simp = 0xA0013, eom = 0xA0014, sirbp = 0xA0015;
constexpr u32 timer0 = 0xB0000;
constexpr u32 timers = 8;

u32 synic_msr(u32 name) {
    switch (name) {
    case scontrol:
        return hv_msr::scontrol;
    case sversion:
        return hv_msr::sversion;
    case siefp:
        return hv_msr::siefp;
    case simp:
        return hv_msr::simp;
    case eom:
        return hv_msr::eom;
    case sirbp:
        return hv_msr::sirbp;
    default:
        return name >= sint0 && name < sint0 + synic::sint_count ? hv_msr::sint0 + name - sint0 : 0;
    }
}

u32 stored_msr(u32 name) {
    constexpr u32 first_variable = 0x200;
    if (name >= mtrr_base0 && name < mtrr_base0 + mtrr_pairs) {
        return first_variable + 2 * (name - mtrr_base0);
    }
    if (name >= mtrr_mask0 && name < mtrr_mask0 + mtrr_pairs) {
        return first_variable + 2 * (name - mtrr_mask0) + 1;
    }
    for (const Pair& pair : stored) {
        if (pair.name == name) {
            return pair.msr;
        }
    }
    return 0;
}

/// More of them have names than exist.
bool is_absent_mtrr(u32 name) {
    return (name >= mtrr_base0 && name < mtrr_base0 + mtrr_pairs_named) ||
           (name >= mtrr_mask0 && name < mtrr_mask0 + mtrr_pairs_named);
}

/// Words of the control block or the partition.
u64* place_of(ChildVp& vp, u32 name) {
    svm::Vmcb& v = vp.cpu.vmcb;
    switch (name) {
    case 0x80002:
        return &v.kernel_gs_base;
    case 0x80005:
        return &v.sysenter_cs;
    case 0x80006:
        return &v.sysenter_eip;
    case 0x80007:
        return &v.sysenter_esp;
    case 0x80008:
        return &v.star;
    case 0x80009:
        return &v.lstar;
    case 0x8000A:
        return &v.cstar;
    case 0x8000B:
        return &v.sfmask;
    case 0x8007B:
        return &vp.context.msrs.tsc_aux;
    case 0x90001:
        return &vp.partition.hypercall_page;
    case 0x90002:
        return &vp.partition.guest_os_id;
    case 0x90013:
        return &vp.synthetic.vp_assist;
    case 0x90017:
        return &vp.partition.reference_tsc_page;
    default:
        return name >= 0x210 && name <= 0x214 ? &vp.partition.crash[name - 0x210] : nullptr;
    }
}

bool read_computed(ChildVp& vp, u32 name, u64& value) {
    switch (name) {
    case 0x80000:
        value = read_tsc() + vp.cpu.vmcb.tsc_offset;
        return true;
    case 0x80001:
        value = vp.cpu.vmcb.efer & ~efer::svme;
        return true;
    case 0x80003:
        value = vp.apic.base();
        return true;
    case 0x90000:
        value = vp.counters.run_time;
        return true;
    case 0x90003:
        value = vp.index;
        return true;
    case 0x90004:
        value = vp.partition.time.at(clock::now());
        return true;
    case 0x200:
        value = vp.partition.privileges;
        return true;
    case 0x9001C: // the register page has no place in the guest
    case 0x215:
        value = 0;
        return true;
    default:
        return false;
    }
}

} // namespace

bool read_by_msr(ChildVp& vp, u32 name, u64& value) {
    if (const u64* const place = place_of(vp, name)) {
        value = *place;
        return true;
    }
    if (read_computed(vp, name, value)) {
        return true;
    }
    if (const u32 msr = synic_msr(name)) {
        return vp.synic.read(msr, value);
    }
    if (name >= timer0 && name < timer0 + timers) {
        value = vp.clockwork.read(hv_msr::stimer0_config + name - timer0);
        return true;
    }
    const u32 msr = stored_msr(name);
    if (msr == 0) {
        value = 0;
        return is_absent_mtrr(name);
    }
    return msr_storage::read(vp.context.msrs, msr, value);
}

Status write_by_msr(ChildVp& vp, u32 name, u64 value) {
    const auto accepted = [](bool done) {
        return done ? Status::success : Status::invalid_register_value;
    };
    if (u64* const place = place_of(vp, name)) {
        *place = value;
        return Status::success;
    }
    switch (name) {
    case 0x80000:
        vp.cpu.vmcb.tsc_offset = vp.partition.tsc.set(value, read_tsc(), clock::tsc_hz());
        child_msrs::on_time_changed(vp.partition);
        return Status::success;
    case 0x80001:
        vp.cpu.vmcb.efer = value | efer::svme;
        return Status::success;
    case 0x80003:
        return accepted(vp.apic.write_base(value));
    default:
        break;
    }
    if (const u32 msr = synic_msr(name)) {
        return accepted(synic::write_register(vp.partition, vp.index, msr, value));
    }
    if (name >= timer0 && name < timer0 + timers) {
        return accepted(vp.clockwork.write(hv_msr::stimer0_config + name - timer0, value,
                                           vp.partition.time.at(clock::now())));
    }
    const u32 msr = stored_msr(name);
    if (msr == 0) {
        return is_absent_mtrr(name) ? Status::success : Status::invalid_parameter;
    }
    (void)msr_storage::write(vp.context.msrs, msr, value);
    vp.cpu.vmcb.g_pat = vp.context.msrs.pat;
    return Status::success;
}

} // namespace mshv::standin::registers
