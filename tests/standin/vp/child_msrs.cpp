// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/child_msrs.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/tlfs/msr.hpp"
#include "tests/standin/vp/child_synthetic_msrs.hpp"
#include "tests/standin/vp/interrupt_controller.hpp"
#include "tests/standin/vp/msr_storage.hpp"
#include "tests/standin/vp/pending.hpp"

namespace mshv::standin::child_msrs {
namespace {

constexpr u32 first_x2apic = 0x800;
constexpr u32 last_x2apic = 0x8FF;

namespace number {
constexpr u32 tsc = 0x10;
constexpr u32 tsc_aux = 0xC0000103;
} // namespace number

bool is_synthetic(u32 msr) {
    return msr >= hv_msr::first && msr <= hv_msr::last;
}

/// Bits that may be set; LMA follows from LME and paging, SVME is not the guest's.
bool write_efer(svm::Vmcb& v, u64 value) {
    constexpr u64 known = 0xF01 | 1ULL << 14 | 1ULL << 15; // SCE, LME, LMA, NXE; FFXSR, TCE
    constexpr u64 paging = 1ULL << 31;
    const bool changes_mode = ((value ^ v.efer) & efer::lme) != 0 && (v.cr0 & paging) != 0;
    if ((value & ~known) != 0 || changes_mode) {
        return false;
    }
    v.efer = (value & ~efer::lma) | (v.efer & efer::lma) | efer::svme;
    return true;
}

bool read_own(ChildVp& vp, u32 msr, u64& value) {
    switch (msr) {
    case number::tsc:
        value = read_tsc() + vp.cpu.vmcb.tsc_offset;
        return true;
    case msr::efer:
        value = vp.cpu.vmcb.efer & ~efer::svme;
        return true;
    case msr::apic_base:
        value = vp.apic.base();
        return true;
    case number::tsc_aux:
        value = vp.context.msrs.tsc_aux;
        return true;
    default:
        return false;
    }
}

bool write_own(ChildVp& vp, u32 msr, u64 value, bool& done) {
    done = true;
    switch (msr) {
    case number::tsc:
        vp.cpu.vmcb.tsc_offset = value - read_tsc();
        return true;
    case msr::efer:
        done = write_efer(vp.cpu.vmcb, value);
        return true;
    case msr::apic_base:
        done = vp.apic.write_base(value);
        return true;
    case number::tsc_aux:
        vp.context.msrs.tsc_aux = value & 0xFFFFFFFF;
        write_msr(msr, value & 0xFFFFFFFF);
        return true;
    default:
        return false;
    }
}

} // namespace

Result read(ChildVp& vp, u32 msr, u64& value) {
    if (read_own(vp, msr, value) || msr_storage::read(vp.context.msrs, msr, value)) {
        return Result::done;
    }
    bool done = false;
    if (msr >= first_x2apic && msr <= last_x2apic) {
        return vp.apic.read_msr(msr, clock::now(), value) ? Result::done : Result::none;
    }
    if (is_synthetic(msr)) {
        done = read_synthetic(vp, msr, value);
    }
    if (!done && vp.partition.ignores_unknown_msrs) {
        value = 0;
        return Result::done;
    }
    return done ? Result::done : Result::none;
}

Result write(ChildVp& vp, u32 msr, u64 value, u64& gpa) {
    bool done = false;
    if (write_own(vp, msr, value, done)) {
        return done ? Result::done : Result::none;
    }
    if (msr == msr_storage::tsc_adjust) {
        vp.cpu.vmcb.tsc_offset += value - vp.context.msrs.tsc_adjust;
    }
    if (msr_storage::write(vp.context.msrs, msr, value)) {
        vp.cpu.vmcb.g_pat = vp.context.msrs.pat;
        return Result::done;
    }
    if (msr >= first_x2apic && msr <= last_x2apic) {
        return interrupt_controller::write_msr(vp, msr, value) ? Result::done : Result::none;
    }
    if (is_synthetic(msr)) {
        const Result result = write_synthetic(vp, msr, value, gpa);
        if (result != Result::none) {
            return result;
        }
    }
    return vp.partition.ignores_unknown_msrs ? Result::done : Result::none;
}

} // namespace mshv::standin::child_msrs
