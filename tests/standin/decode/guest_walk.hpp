// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// From a guest's linear address to its physical one by the guest's own tables: what the processor
// does, for exits that report no linear address, and for memory that the hypervisor touches for it.

namespace mshv::standin {

/// How the guest's physical memory is reached. Addresses are multiples of eight.
struct GuestMemory {
    void* context = nullptr;
    /// False: nothing is there.
    bool (*read64)(void* context, std::uint64_t gpa, std::uint64_t& value) = nullptr;
    /// Null: accessed and dirty bits stay as they are. False: the value was not `expected` any
    /// more.
    bool (*exchange64)(void* context, std::uint64_t gpa, std::uint64_t expected,
                       std::uint64_t desired) = nullptr;
};

/// The registers that say how a guest translates.
struct PagingState {
    std::uint64_t cr0 = 0;
    std::uint64_t cr3 = 0;
    std::uint64_t cr4 = 0;
    std::uint64_t efer = 0;
    std::uint64_t rflags = 0;        ///< AC opens what SMAP closes
    std::uint8_t physical_bits = 40; ///< 32 to 52; a table's bits above are reserved
    bool gigabyte_pages = true;      ///< CPUID 80000001 EDX[26]
};

struct Access {
    bool write = false;
    bool user = false; ///< CPL 3
    bool execute = false;
};

enum class WalkStatus : std::uint8_t {
    ok,
    not_present,
    write_protected,
    supervisor_only,
    user_page, ///< SMEP, SMAP
    no_execute,
    reserved_bits,
    non_canonical, ///< #GP (#SS), not #PF
    unreadable,    ///< a table is where there is no memory
    contended,     ///< accessed or dirty bits could not be set: tables that never stop changing
};

struct WalkResult {
    WalkStatus status = WalkStatus::not_present;
    std::uint8_t level = 0; ///< of the entry that decided: 1 a page table's … 5; 0 without paging
    std::uint64_t gpa = 0;  ///< if ok
    std::uint64_t page_size = 0; ///< if ok; without paging 4096

    [[nodiscard]] constexpr bool ok() const { return status == WalkStatus::ok; }
};

/// Protection keys are not looked at: they restrict nobody who has not asked for them by CR4.PKE.
WalkResult walk(const GuestMemory& memory, const PagingState& state, std::uint64_t linear,
                Access access);

/// The error code of the #PF that such a result is to the guest.
std::uint32_t page_fault_code(const PagingState& state, WalkStatus status, Access access);

} // namespace mshv::standin
