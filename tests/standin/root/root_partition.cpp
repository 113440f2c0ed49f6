// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_partition.hpp"

#include "tests/standin/child/child_partition.hpp"
#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/memory/page_allocator.hpp"
#include "tests/standin/partition/power.hpp"
#include "tests/standin/partition/root_memory.hpp"
#include "tests/standin/root/root_apic_msrs.hpp"
#include "tests/standin/root/root_timers.hpp"
#include "tests/standin/tlfs/hint.hpp"

namespace mshv::standin {
namespace {

// CPUID leaf 0x40000003, EAX: VP_RUNTIME, REFERENCE_COUNTER, SYNIC, SYNTHETIC_TIMERS, APIC_MSRS,
// HYPERCALL, VP_INDEX, RESET, REFERENCE_TSC, FREQUENCY.
constexpr u64 msr_rights = 0x00000AFF;
// EBX: those of a root, without which Linux takes itself for a child: POST_MESSAGES, SIGNAL_EVENTS,
// CREATE_PORT, CONNECT_PORT beside the named ones.
constexpr u64 root_rights = privilege::create_partitions | privilege::access_partition_id |
                            privilege::access_memory_pool | privilege::access_stats |
                            privilege::cpu_management | 0xF0ULL << 32;

void* take_page(void*) {
    return allocate_page();
}

/// The root ends its interrupts at the machine's own controllers: so they have to come from there, also
/// those that a processor sends to itself.
void interrupt_root(Partition&, u32 vp, u32 vector) {
    local_apic::send(lps()[vp].apic_id, vector | local_apic::icr::assert_level);
}

constinit Partition root{root_partition_id, root_rights | msr_rights, {take_page}, interrupt_root};
constinit Vp root_vps[max_lps];
constinit Permissions permissions;
constinit Options options;
PhysicalAddress window_next = 0;
PhysicalAddress window_end = 0;

/// A page that the root may use, and that its memory map calls reserved; with the enable bit clear.
u64 provide_page() {
    if (window_next == window_end) {
        panic("no page is left for the root");
    }
    const PhysicalAddress page = window_next;
    window_next += page_size;
    __builtin_memset(at<u8>(page), 0, page_size);
    return page;
}

/// VMMCALL and back: position independent, since the guest runs a copy of it.
u64 make_hypercall_page() {
    constexpr u8 code[] = {0xF3, 0x0F, 0x1E, 0xFA, 0x0F, 0x01, 0xD9, 0xC3};
    const u64 page = provide_page();
    __builtin_memcpy(at<u8>(page), code, sizeof(code));
    return page;
}

u64 make_reference_tsc_page() {
    const u64 page = provide_page();
    *at<ReferenceTscPage>(page) = {1, 0, clock::reference().scale, clock::reference().offset};
    return page;
}

void make_synthetic(Vp& vp) {
    vp.synthetic.vp_assist = provide_page();
    const u64 messages = provide_page();
    const u64 flags = provide_page();
    const u64 rings = provide_page();
    vp.synic.set_pages(messages, flags, rings, static_cast<synic::MessageQueues*>(allocate_page()));
}

} // namespace

Partition* find_partition(const Partition& caller, u64 id) {
    if (id == self_partition || id == caller.id) {
        return caller.id == root.id ? &root : children::find(caller.id);
    }
    return caller.id == root.id ? children::find(id) : nullptr;
}

void report_partitions() {
    const DepositPool& pool = root.pool;
    Log() << "partition " << root.id << " deposited " << pool.deposited() << " withdrawn "
          << pool.withdrawn() << " held " << pool.held() << " free " << pool.free();
    children::report();
    for (const Lp& lp : lps()) {
        Log() << "lp " << lp.index << " exits " << root_vps[lp.index].counters.exits() << " of "
              << root_vps[lp.index].counters.external_interrupts << " by interrupts, in "
              << clock::now() / (units_per_second / 1000) << " ms";
    }
}

void make_root(const Options& asked, const Layout& layout) {
    options = asked;
    root.hints =
        asked.hints | hint::relaxed_timing | (asked.automatic_eoi ? 0 : hint::no_automatic_eoi);
    root_memory::start(root.memory, layout.memory, asked.strict);
    window_next = layout.window_begin;
    window_end = layout.window_end;
    constexpr u8 most_bits = 46;
    const u8 physical_bits = physical_address_bits();
    const u64 all = 1ULL << (physical_bits < most_bits ? physical_bits : most_bits);
    if (!root.memory.map(0, 0, all, Rights{}) ||
        !root.memory.unmap(layout.hidden_begin, layout.hidden_end - layout.hidden_begin) ||
        !root.memory.unmap(local_apic::base, page_size)) {
        panic("no memory for the root's tables");
    }
    permissions.trap_ports(console_port, console_ports);
    if (asked.hold_for_pci) {
        permissions.trap_ports(pci_data_port, pci_data_ports);
    }
    const power::Ports last = power::ports();
    for (const u16 port : {last.reset, last.pm1a_control, last.pm1b_control}) {
        if (port != 0) {
            permissions.trap_ports(port, 1);
        }
    }
    permissions.trap_msr(msr::efer);
    permissions.trap_msr(msr::vm_cr);
    permissions.trap_msr(msr::vm_hsave_pa);
    permissions.trap_msr(msr::tsc_deadline);
    trap_root_apic_msrs(permissions);
    root.hypercall_page = make_hypercall_page();
    root.reference_tsc_page = make_reference_tsc_page();
    for (const Lp& lp : lps()) {
        make_synthetic(root_vps[lp.index]);
        make_root_timers(lp, root_vps[lp.index]);
    }
    root.own_vps = root_vps;
    root.vps[0] = &root_vps[0];
    lps()[0].added = true;
}

Partition& root_partition() {
    return root;
}
Vp& root_vp(u32 index) {
    return root_vps[index];
}
const Options& root_options() {
    return options;
}
const Permissions& root_permissions() {
    return permissions;
}

} // namespace mshv::standin
