// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/spinlock.hpp"
#include "tests/standin/lp/lp.hpp"
#include "tests/standin/memory/deposit_pool.hpp"
#include "tests/standin/memory/nested_table.hpp"
#include "tests/standin/partition/vp_timers.hpp"
#include "tests/standin/svm/virtual_processor.hpp"
#include "tests/standin/synic/synic.hpp"
#include "tests/standin/tlfs/status.hpp"

namespace mshv::standin {

constexpr u64 self_partition = ~0ULL;
constexpr u64 root_partition_id = 1;
constexpr std::size_t max_vps = max_lps;

/// What a partition may do: CPUID leaf 0x40000003, EBX above EAX. Source: TLFS, "Partition Privilege
/// Flags".
namespace privilege {
constexpr u64 create_partitions = 1ULL << 32;
constexpr u64 access_partition_id = 1ULL << 33;
constexpr u64 access_memory_pool = 1ULL << 34;
constexpr u64 access_stats = 1ULL << 40;
constexpr u64 cpu_management = 1ULL << 44;
constexpr u64 none = 0;
} // namespace privilege

/// The registers that a VP has of the hypervisor alone.
struct SyntheticRegisters {
    u64 vp_assist = 0; ///< page and enable bit
};

/// A virtual processor of a partition.
struct Vp {
    SyntheticRegisters synthetic;
    VpTimers timers;
    synic::Synic synic;
    VpCounters counters;
    StatsPage stats; ///< where the root reads them
};

/// A partition. Its lock keeps the pool, the tables and the VPs' existence; a VP's own state belongs to
/// the processor that runs it.
struct Partition {
    /// How an interrupt reaches one of its VPs, which exists; from any processor.
    using Interrupt = void (*)(Partition& partition, u32 vp, u32 vector);

    constexpr Partition(u64 number, u64 rights, NestedTable::Pages pages, Interrupt how)
        : id(number), privileges(rights), interrupt(how), memory(pages) {}

    const u64 id;
    u64 privileges; ///< of a child, until it is initialized, what its parent says
    const Interrupt interrupt;
    Spinlock lock;
    NestedTable memory;
    DepositPool pool;
    Vp* vps[max_vps] = {}; ///< null = there is none; read by all
    Vp* own_vps = nullptr; ///< those that a root may create, one a processor

    StatsPage stats; ///< where the root reads what is counted of it
    u32 hints = 0;   ///< what it is advised: bits of tlfs/hint.hpp

    u64 guest_os_id = 0;
    u64 hypercall_page = 0;    ///< and enable bit
    u64 reference_tsc_page = 0; ///< likewise
    u64 crash[5] = {};
};

/// The partition with this id, or the caller's own for self_partition; null when there is none.
Partition* find_partition(const Partition& caller, u64 id);

/// Says of each partition, in the log, where the pages are that were deposited for it.
void report_partitions();

} // namespace mshv::standin
