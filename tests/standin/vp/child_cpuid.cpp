// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/child_cpuid.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/tlfs/hint.hpp"
#include "tests/standin/tlfs/synthetic_feature.hpp"
#include "tests/standin/vp/extended_state.hpp"
#include "tests/standin/vp/processor_features.hpp"

namespace mshv::standin {
namespace {

constexpr u32 vendor_leaf = 0x40000000;
constexpr u32 highest_hypervisor_leaf = 0x40000006;
constexpr u32 build = 27744;
constexpr u32 version = 10U << 16;

// leaf 1, ECX
constexpr u32 monitor = 1U << 3;
constexpr u32 x2apic = 1U << 21;
constexpr u32 tsc_deadline = 1U << 24;
constexpr u32 osxsave = 1U << 27;
constexpr u32 hypervisor_present = 1U << 31;
constexpr u64 cr4_osxsave = 1U << 18;

// leaf 0x40000003, EDX
constexpr u32 frequency_registers = 1U << 8;
constexpr u32 direct_timers = 1U << 19;

bool has(u64 features, u64 one) {
    return (features & one) != 0;
}

CpuidValues machine(u32 leaf, u32 subleaf) {
    const CpuidResult r = cpuid(leaf, subleaf);
    return {r.eax, r.ebx, r.ecx, r.edx};
}

/// The size for what XCR0 selects depends on XCR0, which is the child's own at this moment.
void limit_extended_state(u32 subleaf, CpuidValues& r) {
    const u64 components = extended_state::components();
    if (subleaf == 0) {
        r.eax &= static_cast<u32>(components);
        r.ecx = r.ecx < extended_state::size() ? r.ecx : extended_state::size();
        r.edx = 0;
    } else if (subleaf == 1) { // nothing but XSAVEOPT: compaction is not saved here
        r = {r.eax & 1, 0, 0, 0};
    } else if (subleaf >= 64 || (components >> subleaf & 1) == 0) {
        r = {};
    }
}

CpuidValues own_leaf(const ChildPartition& partition, u32 leaf) {
    const u64 features = partition.synthetic_features;
    switch (leaf) {
    case vendor_leaf:
        return {highest_hypervisor_leaf, 0x7263694D, 0x666F736F, 0x76482074}; // "Microsoft Hv"
    case 0x40000001:
        return {has(features, synthetic::hv1) ? 0x31237648U : 0, 0, 0, 0}; // "Hv#1"
    case 0x40000002:
        return {build, version, 0, 0};
    case 0x40000003:
        return {static_cast<u32>(partition.privileges),
                static_cast<u32>(partition.privileges >> 32), 0,
                (has(features, synthetic::frequency_registers) ? frequency_registers : 0) |
                    (has(features, synthetic::direct_timers) ? direct_timers : 0)};
    case 0x40000004:
        return {partition.hints, 0xFFFFFFFF, 0, 0};
    case 0x40000005:
        return {static_cast<u32>(max_vps), static_cast<u32>(max_lps), 0, 0};
    default:
        return {};
    }
}

CpuidValues processor_leaf(const ChildPartition& partition, u32 leaf, u32 subleaf) {
    CpuidValues r = machine(leaf, subleaf);
    switch (leaf) {
    case 1:
        r.ebx &= 0x0000FFFF;
        r.ebx |= static_cast<u32>(partition.processors_per_socket & 0xFF) << 16;
        r.ecx &= ~(monitor | tsc_deadline | osxsave | x2apic);
        r.ecx |= (partition.flags & creation::x2apic) != 0 ? x2apic : 0;
        r.ecx |= has(partition.synthetic_features, synthetic::hypervisor_present)
                     ? hypervisor_present
                     : 0;
        break;
    case 5:   // MWAIT
    case 0xA: // performance counters
    case 0xF: // and their kin
    case 0x10:
    case 0x12:
    case 0x14:
    case 0x8000000A:
        return {};
    default:
        break;
    }
    remove_features(leaf, subleaf, partition.disabled_features, r);
    return r;
}

} // namespace

CpuidValues child_cpuid(const ChildPartition& partition, u32 vp, u32 leaf, u32 subleaf, u64 cr4,
                        u32 apic_id) {
    const bool own = leaf >= vendor_leaf && leaf <= highest_hypervisor_leaf;
    const bool shown = has(partition.synthetic_features, synthetic::hypervisor_present);
    CpuidValues r{};
    if (!own) {
        r = processor_leaf(partition, leaf, subleaf);
    } else if (shown) {
        r = own_leaf(partition, leaf);
    }
    if (leaf == 1) {
        r.ebx = (r.ebx & 0x00FFFFFF) | apic_id << 24;
    } else if (leaf == 0xB || leaf == 0x1F) {
        r.edx = apic_id;
    }
    partition.cpuid_results.apply(vp, leaf, subleaf, r);
    // QEMU registers what it finds in its own processor, the root's.
    remove_unavailable(leaf, subleaf, r);
    if (leaf == 0xD) {
        limit_extended_state(subleaf, r);
    }
    if (leaf == 1) { // mirrors what the guest has set
        r.ecx = (r.ecx & ~osxsave) | ((cr4 & cr4_osxsave) != 0 ? osxsave : 0);
    }
    return r;
}

u64 privileges_of(u64 features) {
    struct Right {
        u64 feature;
        u64 privilege;
    };
    constexpr Right rights[] = {{synthetic::runtime_register, 1U << 0},
                                {synthetic::reference_counter, 1U << 1},
                                {synthetic::synic_registers, 1U << 2},
                                {synthetic::timer_registers, 1U << 3},
                                {synthetic::interrupt_registers, 1U << 4},
                                {synthetic::hypercall_registers, 1U << 5},
                                {synthetic::vp_index, 1U << 6},
                                {synthetic::reference_tsc, 1U << 9},
                                {synthetic::frequency_registers, 1U << 11},
                                {synthetic::signal_events, 1ULL << 37}};
    u64 result = 0;
    for (const Right& right : rights) {
        result |= has(features, right.feature) ? right.privilege : 0;
    }
    return result;
}

u32 hints_of(u64 features) {
    u32 result = hint::relaxed_timing | hint::no_automatic_eoi;
    result |= has(features, synthetic::flush_calls) ? hint::remote_flush : 0;
    result |= has(features, synthetic::interrupt_registers) ? hint::apic_registers : 0;
    result |= has(features, synthetic::cluster_ipi) ? hint::cluster_ipi : 0;
    result |= has(features, synthetic::processor_masks) ? hint::processor_masks : 0;
    return result;
}

u64 assignable_synthetic_features() {
    return synthetic::all;
}

} // namespace mshv::standin
