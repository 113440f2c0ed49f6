// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/child_synthetic_msrs.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/partition/synic_delivery.hpp"
#include "tests/standin/tlfs/msr.hpp"
#include "tests/standin/vlapic/registers.hpp"
#include "tests/standin/vp/eoi_assist.hpp"
#include "tests/standin/vp/interrupt_controller.hpp"

namespace mshv::standin::child_msrs {
namespace {

constexpr u64 enabled = 1;
constexpr u64 apic_rate = 200'000'000;

// EAX of leaf 0x40000003.
namespace right {
constexpr u64 runtime = 1U << 0;
constexpr u64 reference_counter = 1U << 1;
constexpr u64 synic = 1U << 2;
constexpr u64 timers = 1U << 3;
constexpr u64 interrupts = 1U << 4;
constexpr u64 hypercall = 1U << 5;
constexpr u64 vp_index = 1U << 6;
constexpr u64 reference_tsc = 1U << 9;
constexpr u64 frequency = 1U << 11;
} // namespace right

/// What a VP needs to use this register.
u64 right_for(u32 number) {
    using namespace hv_msr;
    switch (number) {
    case guest_os_id:
    case hypercall:
        return right::hypercall;
    case hv_msr::vp_index:
        return right::vp_index;
    case vp_runtime:
        return right::runtime;
    case time_ref_count:
        return right::reference_counter;
    case hv_msr::reference_tsc:
        return right::reference_tsc;
    case tsc_frequency:
    case apic_frequency:
        return right::frequency;
    case apic_eoi:
    case apic_icr:
    case apic_tpr:
    case vp_assist_page:
        return right::interrupts;
    default:
        break;
    }
    if (number >= scontrol && number <= sint15) {
        return right::synic;
    }
    return number >= stimer0_config && number <= stimer3_count ? right::timers : ~0ULL;
}

u8* page_at(const ChildVp& vp, u64 gpa) {
    const auto found = vp.partition.memory.find(gpa);
    return found.present && found.rights.write ? at<u8>(found.address) : nullptr;
}

void fill_hypercall_page(u8* page) {
    constexpr u8 code[] = {0xF3, 0x0F, 0x1E, 0xFA, 0x0F, 0x01, 0xD9, 0xC3}; // VMMCALL and back
    __builtin_memcpy(page, code, sizeof(code));
}

/// The child's TSC runs ahead of the machine's by its offset.
void fill_tsc_page(const ChildPartition& partition, u64 tsc_offset, u8* page) {
    const ReferenceTime& machine = clock::reference();
    const bool is_behind = static_cast<std::int64_t>(tsc_offset) < 0;
    const u64 ahead = multiply_high(tsc_offset, machine.scale) - (is_behind ? machine.scale : 0);
    const ReferenceTscPage contents{1, 0, machine.scale,
                                    machine.offset - partition.time.base() - ahead};
    __builtin_memcpy(page, &contents, sizeof(contents));
}

/// Writes into the page that a register names, if it switches it on.
Result set_page(const ChildVp& vp, u64& reg, u64 value, u64& gpa, bool is_code) {
    if ((value & enabled) != 0) {
        gpa = align_down(value, page_size);
        u8* const page = page_at(vp, gpa);
        if (page == nullptr) {
            return vp.partition.memory.find(gpa).reserved ? Result::wanted : Result::none;
        }
        if (is_code) {
            fill_hypercall_page(page);
        } else {
            fill_tsc_page(vp.partition, vp.cpu.vmcb.tsc_offset, page);
        }
    }
    reg = value;
    return Result::done;
}

bool has_right(const ChildVp& vp, u32 number) {
    const u64 needed = right_for(number);
    return (vp.partition.privileges & needed) == needed;
}

Result of(bool done) {
    return done ? Result::done : Result::none;
}

} // namespace

void on_time_changed(const ChildPartition& partition) {
    const u64 reg = partition.reference_tsc_page;
    const ChildVp* const vp = find_vp(partition, 0);
    if ((reg & enabled) == 0 || vp == nullptr) {
        return;
    }
    u8* const page = page_at(*vp, align_down(reg, page_size));
    if (page != nullptr) {
        fill_tsc_page(partition, vp->cpu.vmcb.tsc_offset, page);
    }
}

bool read_synthetic(ChildVp& vp, u32 number, u64& value) {
    using namespace hv_msr;
    if (!has_right(vp, number)) {
        return false;
    }
    const u64 now = vp.partition.time.at(clock::now());
    u32 word = 0;
    switch (number) {
    case guest_os_id:
        value = vp.partition.guest_os_id;
        return true;
    case hypercall:
        value = vp.partition.hypercall_page;
        return true;
    case vp_index:
        value = vp.index;
        return true;
    case vp_runtime:
        value = vp.counters.run_time;
        return true;
    case time_ref_count:
        value = now;
        return true;
    case reference_tsc:
        value = vp.partition.reference_tsc_page;
        return true;
    case tsc_frequency:
        value = clock::tsc_hz();
        return true;
    case apic_frequency:
        value = apic_rate;
        return true;
    case apic_tpr:
        value = vp.apic.task_priority();
        return true;
    case apic_icr:
        (void)vp.apic.read(vlapic::reg::icr_high, 0, word);
        value = u64{word} << 32;
        (void)vp.apic.read(vlapic::reg::icr_low, 0, word);
        value |= word;
        return true;
    case vp_assist_page:
        value = vp.synthetic.vp_assist;
        return true;
    default:
        if (number >= stimer0_config && number <= stimer3_count) {
            value = vp.clockwork.read(number);
            return true;
        }
        return vp.synic.read(number, value);
    }
}

Result write_synthetic(ChildVp& vp, u32 number, u64 value, u64& gpa) {
    using namespace hv_msr;
    ChildPartition& partition = vp.partition;
    if (!has_right(vp, number)) {
        return Result::none;
    }
    switch (number) {
    case guest_os_id:
        partition.guest_os_id = value;
        partition.hypercall_page &= value == 0 ? ~enabled : ~0ULL;
        return Result::done;
    case hypercall:
        if (partition.guest_os_id == 0) {
            return Result::done;
        }
        return set_page(vp, partition.hypercall_page, value, gpa, true);
    case reference_tsc:
        return set_page(vp, partition.reference_tsc_page, value, gpa, false);
    case vp_assist_page:
        eoi_assist::take_back(vp);
        vp.synthetic.vp_assist = value;
        return Result::done;
    case apic_eoi:
        interrupt_controller::write(vp, vlapic::reg::eoi, 0);
        return Result::done;
    case apic_tpr:
        interrupt_controller::write(vp, vlapic::reg::task_priority, static_cast<u32>(value));
        return Result::done;
    case apic_icr:
        interrupt_controller::write(vp, vlapic::reg::icr_high, static_cast<u32>(value >> 32));
        interrupt_controller::write(vp, vlapic::reg::icr_low, static_cast<u32>(value));
        return Result::done;
    default:
        if (number >= stimer0_config && number <= stimer3_count) {
            return of(vp.clockwork.write(number, value, partition.time.at(clock::now())));
        }
        return of(synic::write_register(partition, vp.index, number, value));
    }
}

} // namespace mshv::standin::child_msrs
