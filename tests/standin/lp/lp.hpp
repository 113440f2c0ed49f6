// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/mailbox.hpp"
#include "tests/standin/lp/shootdown.hpp"
#include "tests/standin/sched/turns.hpp"
#include "tests/standin/stats/counters.hpp"
#include "tests/standin/stats/stats_page.hpp"
#include "tests/standin/timer/timer_queue.hpp"

#include <span>

namespace mshv::standin {

constexpr std::size_t max_lps = 64;

/// A logical processor: what the hypervisor has one of on each. Only its own processor touches it but
/// for what says otherwise.
struct Lp {
    u32 index = 0; ///< also its number as the root counts, in the order of the MADT
    u32 apic_id = 0;
    bool up = false;    ///< written once by itself, read by all
    bool added = false; ///< the root has asked for it; kept by the root partition's lock

    Mailbox mailbox; ///< written by all
    /// An NMI is on its way that only says that something is asked of this processor; written by all.
    /// Whoever sets it sends one, so that each is told from those of the machine, which are the root's.
    bool kicked = false;
    u32 nmi_came = 0;            ///< since it was cleared, see wait_while_zero()
    u32 late_kicks = 0;          ///< NMIs that may come of earlier ones, see kick_self()
    bool ends_next_entry = false; ///< the guest takes what is injected, and no instruction
    bool nmi_for_root = false; ///< one that the root has not got yet; written by all
    GuestPresence presence;    ///< read by all
    bool runs_guest = false;   ///< in or out of it, and not waiting for its start; read by all
    u64 held_for = 0;          ///< the last hold that it waits or waited for, see hold.hpp; read by all
    bool idle = false;         ///< it is not at any partition's; see grace.hpp; read by all

    Turns turns; ///< where the hypervisor schedules

    LpCounters counters;
    StatsPage stats; ///< where the root reads them

    /// The interrupt that take_interrupt() or wait_while_zero() took and that is still in service
    /// in the APIC; 0 = none.
    u32 taken_vector = 0;

    Spinlock timers_lock;
    TimerQueue timers;          ///< what is to happen here, see lp_timers.hpp
    u64 timer_target = 0; ///< for when the physical timer is programmed

    alignas(page_size) u8 host_state[page_size] = {};      ///< what VMSAVE keeps of the hypervisor's own
    alignas(page_size) u8 host_save_area[page_size] = {};  ///< what VMRUN keeps of it
    alignas(page_size) u8 root_extended[page_size] = {};   ///< see vp/extended_state.hpp
    alignas(16) u8 stack[16384] = {};
    alignas(16) u64 gdt[7] = {};
    alignas(16) u32 tss[26] = {};
};

/// Sets up this processor's tables and makes it `lp`. Interrupts stay off.
void enter_lp(Lp& lp);

/// The one that runs this.
Lp& this_lp();

/// All of the machine, whether they came up or not.
std::span<Lp> lps();

/// Waits for an interrupt, or for an NMI, and takes it; or does nothing where `word` is not 0. Whoever
/// changes the word and then kicks this processor is not missed. Interrupts are off before and after.
extern "C" void wait_while_zero(const u32& word);

/// Brings it out of its guest, whatever the guest thinks of interrupts.
void kick(Lp& lp);
/// Lets the next entry of this processor's guest take what is injected, and no instruction. All
/// interrupts are held. Renews a kick that is on its way, in case that its NMI is lost.
void kick_self(Lp& self);

/// Starts every processor of `apic_ids` but this one, which is the first of them, and waits until they
/// are up. One that does not come up within a second is reported and left alone. `page` is a page
/// below 1 MiB that nobody else uses meanwhile.
void start_lps(std::span<const u32> apic_ids, PhysicalAddress page);

/// What a processor does once it has come up. Does not return.
extern "C" [[noreturn]] void processor_main(u32 index);

} // namespace mshv::standin
