// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/partition/synthetic_msrs.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/partition/power.hpp"
#include "tests/standin/partition/synic_delivery.hpp"
#include "tests/standin/tlfs/msr.hpp"

namespace mshv::standin {
namespace {

constexpr u64 enabled = 1;
constexpr u64 crash_message = 1ULL << 62;
constexpr u64 crash_notify = 1ULL << 63;
constexpr u64 longest_crash_text = page_size;

/// The page is the hypervisor's choice: the root may only switch it on and off.
void set_enabled(u64& reg, u64 value) {
    reg = (reg & ~enabled) | (value & enabled);
}

/// What the guest's kernel said last, line by line, without what is no text.
void print_crash_text(const Partition& partition, GuestPhysicalAddress gpa, u64 length) {
    const auto found = partition.memory.find(gpa);
    if (!found.present || length > longest_crash_text || gpa % page_size + length > page_size) {
        return;
    }
    const auto* text = at<const char>(found.address);
    Line line;
    line << "HV crash| ";
    for (u64 i = 0; i < length && text[i] != '\0'; ++i) {
        if (text[i] == '\n') {
            write_log(line);
            line = Line{};
            line << "HV crash| ";
        } else if (text[i] >= ' ' && text[i] <= '~') {
            line << text[i];
        }
    }
    write_log(line);
}

void report_crash(const Partition& partition, u64 control) {
    Log() << "partition " << partition.id << " crashed " << Hex{partition.crash[0]} << ' '
          << Hex{partition.crash[1]} << ' ' << Hex{partition.crash[2]} << ' '
          << Hex{partition.crash[3]} << ' ' << Hex{partition.crash[4]};
    if ((control & crash_message) != 0) {
        print_crash_text(partition, partition.crash[3], partition.crash[4]);
    }
}

} // namespace

bool read_synthetic_msr(Partition& partition, u32 index, u32 number, u64& value) {
    using namespace hv_msr;
    switch (number) {
    case guest_os_id:
        value = partition.guest_os_id;
        return true;
    case hypercall:
        value = partition.hypercall_page;
        return true;
    case vp_index:
        value = index;
        return true;
    case reset:
        value = 0;
        return true;
    case vp_runtime: // a VP of the root has its processor all of the time
    case time_ref_count:
        value = clock::now();
        return true;
    case reference_tsc:
        value = partition.reference_tsc_page;
        return true;
    case tsc_frequency:
        value = clock::tsc_hz();
        return true;
    case apic_frequency:
        value = clock::apic_timer_hz();
        return true;
    case vp_assist_page:
        value = partition.vps[index]->synthetic.vp_assist;
        return true;
    case crash_control:
        value = crash_notify | crash_message;
        return true;
    default:
        if (number >= crash_p0 && number <= crash_p4) {
            value = partition.crash[number - crash_p0];
            return true;
        }
        if (number >= stimer0_config && number <= stimer3_count) {
            value = partition.vps[index]->timers.read(number);
            return true;
        }
        return partition.vps[index]->synic.read(number, value);
    }
}

bool write_synthetic_msr(Partition& partition, u32 index, u32 number, u64 value) {
    using namespace hv_msr;
    switch (number) {
    case guest_os_id:
        partition.guest_os_id = value;
        if (value == 0) {
            set_enabled(partition.hypercall_page, 0);
        }
        return true;
    case hypercall:
        set_enabled(partition.hypercall_page, partition.guest_os_id == 0 ? 0 : value);
        return true;
    case reset:
        if ((value & 1) != 0) {
            power::reset();
        }
        return true;
    case reference_tsc:
        set_enabled(partition.reference_tsc_page, value);
        return true;
    case vp_assist_page:
        set_enabled(partition.vps[index]->synthetic.vp_assist, value);
        return true;
    case crash_control:
        if ((value & crash_notify) != 0) {
            report_crash(partition, value);
        }
        return true;
    default:
        if (number >= crash_p0 && number <= crash_p4) {
            partition.crash[number - crash_p0] = value;
            return true;
        }
        if (number >= stimer0_config && number <= stimer3_count) {
            return partition.vps[index]->timers.write(this_lp(), number, value);
        }
        return synic::write_register(partition, index, number, value);
    }
}

} // namespace mshv::standin
