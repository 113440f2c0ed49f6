// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_exits.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/lp/hold.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/lp/lp_timers.hpp"
#include "tests/standin/partition/power.hpp"
#include "tests/standin/partition/root_memory.hpp"
#include "tests/standin/partition/synthetic_cpuid.hpp"
#include "tests/standin/partition/synthetic_msrs.hpp"
#include "tests/standin/root/root_apic.hpp"
#include "tests/standin/root/root_apic_msrs.hpp"
#include "tests/standin/root/root_apic_page.hpp"
#include "tests/standin/root/root_partition.hpp"
#include "tests/standin/root/root_turns.hpp"
#include "tests/standin/tlfs/msr.hpp"
#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin {
namespace {

// ---- CPUID ----

namespace leaf1 {
constexpr u32 monitor = 1U << 3;
constexpr u32 tsc_deadline = 1U << 24;
constexpr u32 osxsave = 1U << 27;
constexpr u32 hypervisor = 1U << 31;
} // namespace leaf1
constexpr u64 cr4_osxsave = 1U << 18;
constexpr u32 svm_and_skinit = 1U << 2 | 1U << 12;

/// What the processor says, without what is the hypervisor's. Bits that mirror CR4 are the guest's.
CpuidResult physical_cpuid(const VirtualProcessor& vp, u32 leaf, u32 subleaf) {
    CpuidResult r = cpuid(leaf, subleaf);
    switch (leaf) {
    case 1:
        r.ecx &= ~(leaf1::monitor | leaf1::tsc_deadline | leaf1::osxsave | leaf1::hypervisor);
        r.ecx |= (vp.vmcb.cr4 & cr4_osxsave) != 0 ? leaf1::osxsave : 0;
        r.ecx |= root_options().hide_hypervisor ? 0 : leaf1::hypervisor;
        return r;
    case 5: // MWAIT
    case 0x8000000A:
        return {};
    case 0x80000001:
        r.ecx &= ~svm_and_skinit;
        return r;
    default:
        return r;
    }
}

void on_cpuid(VirtualProcessor& vp) {
    const auto leaf = static_cast<u32>(vp.vmcb.rax);
    CpuidResult r{};
    if (leaf < first_hypervisor_leaf || leaf >= end_of_hypervisor_leaves) {
        r = physical_cpuid(vp, leaf, static_cast<u32>(vp.registers.rcx));
    } else if (!root_options().hide_hypervisor) {
        r = hypervisor_cpuid(root_partition(), leaf);
    }
    vp.vmcb.rax = r.eax;
    vp.registers.rbx = r.ebx;
    vp.registers.rcx = r.ecx;
    vp.registers.rdx = r.edx;
    vp.skip(2);
}

// ---- MSRs ----

bool is_synthetic(u32 number) {
    return !root_options().hide_hypervisor && number >= hv_msr::first && number <= hv_msr::last;
}

bool read_root_msr(const VirtualProcessor& vp, u32 index, u32 number, u64& value) {
    if (is_root_apic_msr(number)) {
        return read_root_apic_msr(lps()[index], number, value);
    }
    if (number == msr::efer) {
        value = vp.vmcb.efer & ~efer::svme;
        return true;
    }
    if (!is_synthetic(number)) {
        return false;
    }
    return is_advised_apic_msr(number) ? read_advised_apic_msr(number, value)
                                       : read_synthetic_msr(root_partition(), index, number, value);
}

bool write_root_msr(VirtualProcessor& vp, u32 index, u32 number, u64 value) {
    if (is_root_apic_msr(number)) {
        return write_root_apic_msr(lps()[index], number, value);
    }
    if (number == msr::efer && (value & efer::svme) == 0) {
        vp.vmcb.efer = (value & ~efer::lma) | (vp.vmcb.efer & efer::lma) | efer::svme;
        return true;
    }
    if (!is_synthetic(number)) {
        return false;
    }
    return is_advised_apic_msr(number)
               ? write_advised_apic_msr(lps()[index], number, value)
               : write_synthetic_msr(root_partition(), index, number, value);
}

void on_msr(u32 index, VirtualProcessor& vp) {
    const auto number = static_cast<u32>(vp.registers.rcx);
    const bool write = vp.vmcb.exit_info_1 != 0;
    u64 value = 0;
    const bool done = write ? write_root_msr(vp, index, number, vp.edx_eax())
                            : read_root_msr(vp, index, number, value);
    if (!done) {
        Log() << "msr " << (write ? "write " : "read ") << Hex{number} << " refused rip "
              << Hex{vp.vmcb.rip};
        vp.raise_general_protection();
        return;
    }
    if (!write) {
        vp.set_edx_eax(value);
    }
    vp.skip(2);
    if (write && number == hv_msr::eom) {
        scheduling::retry_signals(); // there is room now
    }
}

// ---- the rest ----

u32 read_port(u16 port, u64 bits) {
    if (port >= console_port && port < console_port + console_ports) {
        return ~0U; // to the root, nothing is there
    }
    return bits == 8 ? in8(port) : bits == 16 ? in16(port) : in32(port);
}

void write_machine_port(u16 port, u64 bits, u32 value) {
    if (bits == 8) {
        out8(port, static_cast<u8>(value));
    } else if (bits == 16) {
        out16(port, static_cast<u16>(value));
    } else {
        out32(port, value);
    }
}

void write_port(Lp& lp, u16 port, u64 bits, u32 value) {
    if (port >= console_port && port < console_port + console_ports) {
        return;
    }
    power::before_write(port, value);
    if (port >= pci_data_port && port < pci_data_port + pci_data_ports) {
        hold::begin(lp);
        write_machine_port(port, bits, value);
        hold::end();
        return;
    }
    write_machine_port(port, bits, value);
}

/// The hypervisor's console, what ends the machine and, if so asked, PCI configuration are trapped.
/// Nobody has a reason to send strings there.
void on_port(Lp& lp, VirtualProcessor& vp) {
    const u64 info = vp.vmcb.exit_info_1;
    const auto port = static_cast<u16>(info >> svm::io::port_shift);
    const u64 bits = (info >> svm::io::size_shift & 7) * 8;
    const u64 mask = (1ULL << bits) - 1;
    if ((info & svm::io::string) != 0) {
        Log() << "string access to port " << Hex{port} << " ignored rip " << Hex{vp.vmcb.rip};
    } else if ((info & svm::io::in) != 0) {
        const u64 value = read_port(port, bits) & mask;
        vp.vmcb.rax = bits == 32 ? value : (vp.vmcb.rax & ~mask) | value;
    } else {
        write_port(lp, port, bits, static_cast<u32>(vp.vmcb.rax & mask));
    }
    vp.vmcb.rip = vp.vmcb.exit_info_2;
    vp.vmcb.interrupt_shadow = 0;
}

} // namespace

/// What this processor has taken is the root's. It stays in service: the root ends it, so
/// priorities are the hardware's own.
void queue_taken(Lp& lp, VirtualProcessor& vp) {
    if (lp.taken_vector == 0) {
        return;
    }
    const auto vector = static_cast<u8>(lp.taken_vector);
    lp.taken_vector = 0;
    if (!vp.interrupts.add(vector, local_apic::is_in_service(vector))) {
        panic("too many interrupts wait for the root", vector);
    }
    if (root_vp(lp.index).synic.ends_itself(vector)) {
        local_apic::write(local_apic::reg::eoi, 0);
    }
}

namespace {

/// What comes of the hypervisor's own interrupt, a timer's to the root, is taken in the same exit.
void on_interrupt_exit(Lp& lp, VirtualProcessor& vp) {
    do {
        take_interrupt();
    } while (lp_timers::end_own_interrupt(lp));
    queue_taken(lp, vp);
}

void on_nested_page_fault(Lp& lp, VirtualProcessor& vp) {
    if (emulate_apic_access(lp, vp)) {
        return;
    }
    const u64 gpa = vp.vmcb.exit_info_2;
    if (!root_memory::has_left(gpa) || vp.vmcb.event_injection != 0) {
        give_up(vp, "touched what is not its own:");
    }
    // A fault at the instruction itself, which the kernel reports with its place and its process,
    // or expects where it probes. A machine check would need banks that say what it is about.
    Log() << "root touched a deposited page gpa " << Hex{gpa} << " rip " << Hex{vp.vmcb.rip}
          << " lp " << lp.index;
    vp.raise_general_protection();
}

} // namespace

void give_up(const VirtualProcessor& vp, std::string_view why) {
    const svm::Vmcb& v = vp.vmcb;
    Log() << "root " << why << " exit " << Hex{v.exit_code} << " info " << Hex{v.exit_info_1} << ' '
          << Hex{v.exit_info_2} << " rip " << Hex{v.rip} << " cs " << Hex{v.cs.base} << " rsp "
          << Hex{v.rsp} << " cr0 " << Hex{v.cr0} << " cr3 " << Hex{v.cr3} << " cr2 " << Hex{v.cr2};
    panic("the root cannot go on");
}

void on_root_exit(Lp& lp, VirtualProcessor& vp) {
    const auto reason = static_cast<svm::Exit>(vp.vmcb.exit_code);
    switch (reason) {
    case svm::Exit::intr:
        on_interrupt_exit(lp, vp);
        return;
    case svm::Exit::hlt: // an interrupt waits that ends it, or children have their turns meanwhile
        root_turns::on_root_halt(lp, vp);
        return;
    case svm::Exit::cpuid:
        on_cpuid(vp);
        return;
    case svm::Exit::msr:
        on_msr(lp.index, vp);
        return;
    case svm::Exit::ioio:
        on_port(lp, vp);
        return;
    case svm::Exit::vmmcall:
        hypercall::dispatch(root_partition(), lp.index, vp);
        queue_taken(lp, vp); // beside a child's VP
        return;
    case svm::Exit::nmi:   // it was taken since, see on_interrupt()
    case svm::Exit::vintr: // the next entry injects, see svm::run()
        return;
    case svm::Exit::nested_page_fault:
        on_nested_page_fault(lp, vp);
        return;
    case svm::Exit::shutdown:
        give_up(vp, "triple fault:");
    default:
        if (svm::is_hidden_instruction(reason)) {
            vp.raise_invalid_opcode();
            return;
        }
        give_up(vp, "unexpected exit:");
    }
}

} // namespace mshv::standin
