// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/decode/fetch.hpp"
#include "tests/standin/decode/operands.hpp"
#include "tests/standin/partition/partition.hpp"

// What a guest that has just exited was about to do: its instruction, and the addresses in it.

namespace mshv::standin::guest_code {

/// The general registers in the order of their numbers, by which operands name them.
struct NumberedRegisters {
    explicit NumberedRegisters(const VirtualProcessor& vp);
    void put_back(VirtualProcessor& vp) const;

    u64 all[16];
};

/// The partition's memory, for walks and fetches; its tables are not locked.
GuestMemory memory_of(const Partition& partition);
/// The same, where a walk sets accessed and dirty bits, too.
GuestMemory writable_memory_of(const Partition& partition);

CodeMode mode_of(const svm::Vmcb& vmcb);
PagingState paging_of(const svm::Vmcb& vmcb);

/// The bytes at the guest's CS:RIP.
FetchResult fetch(const Partition& partition, const svm::Vmcb& vmcb);

/// The linear address of the instruction's memory operand; `written`: the one that it writes.
bool operand_address(const Instruction& instruction, const VirtualProcessor& vp, bool written,
                     u64& linear);

} // namespace mshv::standin::guest_code
