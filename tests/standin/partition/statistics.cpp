// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/partition/statistics.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/lp/clock.hpp"

namespace mshv::standin::stats {
namespace {

// Places of the counters in their pages. Source: Linux, drivers/hv/mshv_debugfs_counters.c, which
// names them.
namespace hypervisor_counter {
constexpr std::size_t logical_processors = 1;
constexpr std::size_t partitions = 2;
constexpr std::size_t virtual_processors = 4;
} // namespace hypervisor_counter
namespace lp_counter {
constexpr std::size_t global_time = 1;
constexpr std::size_t total_run_time = 2;
constexpr std::size_t hypervisor_run_time = 3;
constexpr std::size_t hardware_interrupts = 4;
constexpr std::size_t root_vp_index = 19;
} // namespace lp_counter
namespace partition_counter {
constexpr std::size_t virtual_processors = 1;
constexpr std::size_t deposited_pages = 5;
constexpr std::size_t partition_id = 26;
} // namespace partition_counter
namespace vp_counter {
constexpr std::size_t total_run_time = 1;
constexpr std::size_t hypervisor_run_time = 2;
constexpr std::size_t hypercalls = 7;
constexpr std::size_t io_instructions = 13;
constexpr std::size_t cpuid_instructions = 19;
constexpr std::size_t msr_accesses = 21;
constexpr std::size_t other_intercepts = 23;
constexpr std::size_t external_interrupts = 25;
constexpr std::size_t nested_page_faults = 71;
constexpr std::size_t root_dispatch_thread_blocked = 202;
} // namespace vp_counter

constinit StatsPage whole;

void count(VpCounters& counters, svm::Exit reason) {
    switch (reason) {
    case svm::Exit::vmmcall:
        ++counters.hypercalls;
        break;
    case svm::Exit::ioio:
        ++counters.io_instructions;
        break;
    case svm::Exit::cpuid:
        ++counters.cpuid_instructions;
        break;
    case svm::Exit::msr:
        ++counters.msr_accesses;
        break;
    case svm::Exit::intr:
        ++counters.external_interrupts;
        break;
    case svm::Exit::nested_page_fault:
        ++counters.nested_page_faults;
        break;
    case svm::Exit::hlt:
        ++counters.halts;
        break;
    default:
        ++counters.other_intercepts;
    }
}

} // namespace

u64 count_vps(const Partition& partition) {
    u64 count = 0;
    for (const auto& vp : partition.vps) {
        count += __atomic_load_n(&vp, __ATOMIC_RELAXED) != nullptr ? 1 : 0;
    }
    return count;
}

StatsPage& hypervisor_page() {
    return whole;
}

void on_entry(Lp& lp, Vp& vp) {
    const u64 now = clock::now();
    const u64 spent = now - lp.counters.last_change;
    lp.counters.hypervisor_time += spent;
    vp.counters.hypervisor_time += spent;
    lp.counters.last_change = now;
    publish(lp);
    publish(vp);
}

void on_exit(Lp& lp, Vp& vp, svm::Exit reason) {
    const u64 now = clock::now();
    const u64 spent = now - lp.counters.last_change;
    lp.counters.guest_time += spent;
    vp.counters.run_time += spent;
    lp.counters.last_change = now;
    lp.counters.interrupts += reason == svm::Exit::intr ? 1 : 0;
    count(vp.counters, reason);
}

void tell(const Vp& vp, u64 partition, u32 index) {
    const VpCounters& c = vp.counters;
    if (c.exits() == 0) {
        return;
    }
    constexpr u64 units_per_millisecond = 10'000;
    Log() << "partition " << partition << " vp " << index << " ran "
          << c.run_time / units_per_millisecond << " ms, exits " << c.exits() << ": hypercalls "
          << c.hypercalls << " ports " << c.io_instructions << " cpuid " << c.cpuid_instructions
          << " msrs " << c.msr_accesses << " interrupts " << c.external_interrupts << " memory "
          << c.nested_page_faults << " halts " << c.halts << " others " << c.other_intercepts;
}

void set_blocked(Vp& vp, bool blocked) {
    vp.stats.publish([blocked](u64* page) {
        __atomic_store_n(&page[vp_counter::root_dispatch_thread_blocked], blocked ? 1 : 0,
                         __ATOMIC_RELEASE);
    });
}

void publish(Lp& lp) {
    lp.stats.publish([&lp](u64* page) {
        page[lp_counter::global_time] = clock::now();
        page[lp_counter::total_run_time] = lp.counters.guest_time;
        page[lp_counter::hypervisor_run_time] = lp.counters.hypervisor_time;
        page[lp_counter::hardware_interrupts] = lp.counters.interrupts;
        page[lp_counter::root_vp_index] = lp.index;
    });
}

void publish(Vp& vp) {
    vp.stats.publish([&vp](u64* page) {
        page[vp_counter::total_run_time] = vp.counters.run_time;
        page[vp_counter::hypervisor_run_time] = vp.counters.hypervisor_time;
        page[vp_counter::hypercalls] = vp.counters.hypercalls;
        page[vp_counter::io_instructions] = vp.counters.io_instructions;
        page[vp_counter::cpuid_instructions] = vp.counters.cpuid_instructions;
        page[vp_counter::msr_accesses] = vp.counters.msr_accesses;
        page[vp_counter::other_intercepts] = vp.counters.halts + vp.counters.other_intercepts;
        page[vp_counter::external_interrupts] = vp.counters.external_interrupts;
        page[vp_counter::nested_page_faults] = vp.counters.nested_page_faults;
    });
}

void publish(Partition& partition) {
    partition.stats.publish([&partition](u64* page) {
        page[partition_counter::virtual_processors] = count_vps(partition);
        page[partition_counter::deposited_pages] = partition.pool.held();
        page[partition_counter::partition_id] = partition.id;
    });
}

void publish_hypervisor(const Partition& root, u32 children, u64 child_vps) {
    whole.publish([&root, children, child_vps](u64* page) {
        u64 added = 0;
        for (const Lp& lp : lps()) {
            added += lp.added ? 1 : 0;
        }
        page[hypervisor_counter::logical_processors] = added;
        page[hypervisor_counter::partitions] = 1 + children;
        page[hypervisor_counter::virtual_processors] = count_vps(root) + child_vps;
    });
}

} // namespace mshv::standin::stats
