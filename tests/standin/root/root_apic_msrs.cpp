// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_apic_msrs.hpp"

#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/root/root_apic.hpp"
#include "tests/standin/root/root_partition.hpp"
#include "tests/standin/tlfs/hint.hpp"
#include "tests/standin/tlfs/msr.hpp"

namespace mshv::standin {
namespace {

namespace reg = local_apic::reg;
using namespace local_apic::apic_base;

constexpr u32 own_registers[] = {reg::spurious,    own_request,        reg::icr_low,
                                 reg::timer_lvt,   reg::timer_initial, reg::timer_current,
                                 reg::timer_divide};

constexpr u64 mode = x2apic | enable;
constexpr u64 xapic_mode = enable;

/// By LP: the root has switched it off. The hypervisor has not.
bool off[max_lps];

constexpr u32 register_of(u32 number) {
    return (number - local_apic::first_msr) << 4;
}

u64 read_base(const Lp& lp) {
    const u64 value = read_msr(msr::apic_base);
    return off[lp.index] ? value & ~mode : value;
}

/// Off, xAPIC, x2APIC: one step on at a time, and off from each. Source: AMD64 APM volume 2, §16.9.
bool is_step(u64 from, u64 to) {
    return to == from || to == 0 || (from == 0 && to == xapic_mode) ||
           (from == xapic_mode && to == mode);
}

/// Only its mode can change: it stays where it is.
bool write_base(Lp& lp, u64 value) {
    const u64 old = read_base(lp);
    if (((value ^ old) & ~mode) != 0 || !is_step(old & mode, value & mode)) {
        return false;
    }
    const u64 place = value & ~mode;
    if ((value & mode) == 0) {
        off[lp.index] = true;
        write_msr(msr::apic_base, place); // the only way out of x2APIC mode
        write_msr(msr::apic_base, place | xapic_mode);
        reset_root_apic(lp);
        return true;
    }
    off[lp.index] = false;
    write_msr(msr::apic_base, value);
    return true;
}

} // namespace

void trap_root_apic_msrs(Permissions& permissions) {
    permissions.trap_msr(msr::apic_base);
    for (const u32 where : own_registers) {
        permissions.trap_msr(local_apic::msr_of(where));
    }
}

bool is_root_apic_msr(u32 number) {
    return number == msr::apic_base ||
           (number >= local_apic::first_msr && number <= local_apic::last_msr);
}

bool read_root_apic_msr(Lp& lp, u32 number, u64& value) {
    if (number == msr::apic_base) {
        value = read_base(lp);
        return true;
    }
    if (!local_apic::is_x2apic()) {
        return false;
    }
    value = register_of(number) == reg::icr_low ? read_msr(number)
                                                : read_root_apic(lp, register_of(number));
    return true;
}

bool write_root_apic_msr(Lp& lp, u32 number, u64 value) {
    if (number == msr::apic_base) {
        return write_base(lp, value);
    }
    if (!local_apic::is_x2apic() || register_of(number) == reg::timer_current) {
        return false;
    }
    const auto low = static_cast<u32>(value);
    const auto high = static_cast<u32>(value >> 32);
    if (register_of(number) != reg::icr_low) {
        write_root_apic(lp, register_of(number), low);
    } else if (!take_root_command(lp, low, high)) {
        write_msr(number, value);
    }
    return true;
}

bool is_advised_apic_msr(u32 number) {
    return number >= hv_msr::apic_eoi && number <= hv_msr::apic_tpr;
}

bool read_advised_apic_msr(u32 number, u64& value) {
    if ((root_partition().hints & hint::apic_registers) == 0 || number == hv_msr::apic_eoi) {
        return false;
    }
    if (number == hv_msr::apic_tpr) {
        value = local_apic::read(reg::task_priority);
    } else if (local_apic::is_x2apic()) {
        value = read_msr(local_apic::msr_of(reg::icr_low));
    } else {
        value = u64{local_apic::read(reg::icr_high)} << 32 | local_apic::read(reg::icr_low);
    }
    return true;
}

bool write_advised_apic_msr(Lp& lp, u32 number, u64 value) {
    if ((root_partition().hints & hint::apic_registers) == 0) {
        return false;
    }
    if (number != hv_msr::apic_icr) {
        write_root_apic(lp, number == hv_msr::apic_eoi ? reg::eoi : reg::task_priority,
                        static_cast<u32>(value));
        return true;
    }
    if (local_apic::is_x2apic()) {
        return write_root_apic_msr(lp, local_apic::msr_of(reg::icr_low), value);
    }
    write_root_apic(lp, reg::icr_high, static_cast<u32>(value >> 32));
    write_root_apic(lp, reg::icr_low, static_cast<u32>(value));
    return true;
}

} // namespace mshv::standin
