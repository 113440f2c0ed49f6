// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/child/child_partition.hpp"
#include "tests/standin/sched/run_queue.hpp"
#include "tests/standin/vp/child_timers.hpp"
#include "tests/standin/vp/vp_context.hpp"

namespace mshv::standin {

/// Why the processor that runs a VP is to come out of it: bits of ChildVp::requests.
namespace request {
constexpr u32 scan = 1U << 0;      ///< something may be there for it: an interrupt, a timer
constexpr u32 attention = 1U << 1; ///< somebody waits for the VP's state
constexpr u32 suspend = 1U << 2;   ///< its suspension has changed
} // namespace request

/// What others have sent to a VP besides fixed interrupts: bits of ChildVp::events. The vectors of
/// the last two stand beside them.
namespace vp_event {
constexpr u32 nmi = 1U << 0;
constexpr u32 init = 1U << 1;
constexpr u32 startup = 1U << 2;
constexpr u32 external = 1U << 3;
constexpr unsigned startup_shift = 8;
constexpr unsigned external_shift = 16;
} // namespace vp_event

/// A virtual processor of a child. Whoever holds its lock may touch its state: while it runs that
/// is the processor on which the root has dispatched it, which lets others in when they ask for
/// attention.
struct ChildVp : Vp, Runnable {
    enum class Activity : u8 { running, halted, waiting_for_startup };

    ChildVp(ChildPartition& own, u32 number, svm::Vmcb& vmcb, VpContext& page)
        : partition(own), index(number), cpu(vmcb), context(page), apic(page.apic) {}

    ChildPartition& partition;
    const u32 index;
    VirtualProcessor cpu;
    VpContext& context;
    vlapic::Vlapic& apic;
    synic::MessageQueues* queues = nullptr;
    ChildTimers clockwork;

    Spinlock lock;
    u32 requests = 0;         ///< written by all
    u32 waiters = 0;          ///< who wait for the lock; written by all
    u32 events = 0;           ///< written by all
    Lp* running_on = nullptr; ///< read by all
    u32 last_lp = 0;

    // Suspension; see scheduling.hpp.
    bool explicit_suspended = true;
    bool intercept_suspended = false;
    bool suspend_told = false; ///< the root knows of the explicit one
    bool dead = false;         ///< it is being deleted
    bool blocked = false;      ///< the root has been told so; written by all
    bool signal_owed = false;  ///< of which it could not be told; written by all
    Spinlock signal_lock;      ///< of the next two
    bool dispatch_suspended = false;
    u64 signals = 0; ///< that the root got

    Activity activity = Activity::running;
    bool nmi_masked = false; ///< until the next IRET
    u64 injected = 0;        ///< what was put up for this entry
    bool offered = false;    ///< an interrupt was, besides: the old controllers' or the APIC's
    bool offers_external = false;
    bool eoi_assisted = false; ///< what is in service may be ended unseen, see eoi_assist.hpp
    u32 ended_level = 0; ///< a vector of which the parent is to hear; 0 = none

    u8* message_page = nullptr; ///< deposited pages that the root reads; null = not mapped
    u8* register_page = nullptr;
    u64 deliverability = 0; ///< what the parent wants to hear of
};
static_assert(sizeof(ChildVp) <= page_size);

/// Null when there is none.
inline ChildVp* find_vp(const ChildPartition& partition, u32 index) {
    return index < max_vps
               ? static_cast<ChildVp*>(__atomic_load_n(&partition.vps[index], __ATOMIC_ACQUIRE))
               : nullptr;
}

/// Holds a VP's lock, having asked the processor that runs it to let go.
class VpState {
public:
    explicit VpState(ChildVp& vp);
    VpState(const VpState&) = delete;
    VpState& operator=(const VpState&) = delete;
    ~VpState() { vp_.lock.unlock(); }

private:
    ChildVp& vp_;
};

} // namespace mshv::standin
