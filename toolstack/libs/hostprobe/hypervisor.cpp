// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/hostprobe.hpp"

#include <algorithm>
#include <array>
#include <cpuid.h>
#include <string_view>
#include <utility>

namespace mshv::hostprobe {
namespace {

/// HV_PARTITION_PRIVILEGE_MASK of the TLFS: leaf 0x40000003, EAX the low half and EBX the high.
constexpr auto privilege_bits = std::to_array<std::pair<unsigned, std::string_view>>({
    {0, "AccessVpRunTimeReg"},
    {1, "AccessPartitionReferenceCounter"},
    {2, "AccessSynicRegs"},
    {3, "AccessSyntheticTimerRegs"},
    {4, "AccessIntrCtrlRegs"},
    {5, "AccessHypercallMsrs"},
    {6, "AccessVpIndex"},
    {7, "AccessResetReg"},
    {8, "AccessStatsReg"},
    {9, "AccessPartitionReferenceTsc"},
    {10, "AccessGuestIdleReg"},
    {11, "AccessFrequencyRegs"},
    {12, "AccessDebugRegs"},
    {13, "AccessReenlightenmentControls"},
    {32, "CreatePartitions"},
    {33, "AccessPartitionId"},
    {34, "AccessMemoryPool"},
    {35, "AdjustMessageBuffers"},
    {36, "PostMessages"},
    {37, "SignalEvents"},
    {38, "CreatePort"},
    {39, "ConnectPort"},
    {40, "AccessStats"},
    {43, "Debugging"},
    {44, "CpuManagement"},
    {45, "ConfigureProfiler"},
    {46, "EnableExpandedStackwalking"},
    {48, "AccessVsm"},
    {49, "AccessVpRegisters"},
    {52, "EnableExtendedHypercalls"},
    {53, "StartVirtualProcessor"},
});
constexpr unsigned create_partitions = 32;
constexpr unsigned cpu_management = 44;

std::string text_of(const CpuidLeaf& leaf) {
    std::string text;
    for (const auto word : {leaf.ebx, leaf.ecx, leaf.edx}) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            const auto c = static_cast<char>(word >> shift & 0xffU);
            if (c >= 0x20 && c < 0x7f) {
                text += c;
            }
        }
    }
    return text;
}

void decode_microsoft(HypervisorFacts& facts, const CpuidReader& cpuid, std::uint32_t highest) {
    if (highest >= 0x40000002) {
        const auto leaf = cpuid(0x40000002);
        facts.version = std::to_string(leaf.ebx >> 16U) + "." + std::to_string(leaf.ebx & 0xffffU) +
                        "." + std::to_string(leaf.eax) + "." + std::to_string(leaf.edx & 0xffffffU);
    }
    if (highest < 0x40000003) {
        facts.why = "the hypervisor lists no privileges";
        return;
    }
    const auto leaf = cpuid(0x40000003);
    const std::uint64_t mask = std::uint64_t{leaf.ebx} << 32U | leaf.eax;
    for (const auto& [bit, name] : privilege_bits) {
        if ((mask >> bit & 1U) != 0) {
            facts.privileges.emplace_back(name);
        }
    }
    const bool creates = (mask >> create_partitions & 1U) != 0;
    const bool manages = (mask >> cpu_management & 1U) != 0;
    facts.root = creates && manages;
    facts.why = facts.root ? "it may create partitions and manage CPUs"
                : creates  ? "it may create partitions, but not manage CPUs"
                           : "it may not create partitions: it is a guest";
}

} // namespace

HypervisorFacts decode_hypervisor(const CpuidReader& cpuid) {
    HypervisorFacts facts;
    constexpr std::uint32_t hypervisor_bit = 1U << 31U;
    if ((cpuid(1).ecx & hypervisor_bit) == 0) {
        facts.why = "CPUID shows no hypervisor";
    } else {
        facts.present = true;
        const auto base = cpuid(0x40000000);
        facts.vendor = text_of(base);
        constexpr std::uint32_t interface_hv1 = 0x31237648; // "Hv#1"
        // KVM and others show Microsoft's vendor string when asked to, and the interface too; what
        // they never show is the right to create partitions.
        facts.microsoft = facts.vendor == "Microsoft Hv" && base.eax >= 0x40000001 &&
                          cpuid(0x40000001).eax == interface_hv1;
        if (facts.microsoft) {
            decode_microsoft(facts, cpuid, base.eax);
        } else {
            facts.why = "the hypervisor is not Microsoft's";
        }
        // VMware's convention, which KVM and QEMU follow.
        if (!facts.microsoft && base.eax >= 0x40000010) {
            facts.tsc_khz = cpuid(0x40000010).eax;
        }
    }
    if (facts.tsc_khz == 0 && cpuid(0).eax >= 0x15) {
        const auto ratio = cpuid(0x15);
        if (ratio.eax != 0 && ratio.ebx != 0 && ratio.ecx != 0) {
            facts.tsc_khz = std::uint64_t{ratio.ecx} * ratio.ebx / ratio.eax / 1000;
        }
    }
    return facts;
}

HypervisorFacts probe_hypervisor() {
    return decode_hypervisor([](std::uint32_t leaf) {
        CpuidLeaf result;
        __cpuid_count(leaf, 0, result.eax, result.ebx, result.ecx, result.edx);
        return result;
    });
}

} // namespace mshv::hostprobe
