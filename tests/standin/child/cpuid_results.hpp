// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// The four registers that CPUID answers with.
struct CpuidValues {
    u32 eax, ebx, ecx, edx;
};

/// What the parent wants a leaf of CPUID to answer, on one VP or on all: bits that a mask names.
/// Pure; also compiled for the host, where it is tested. Source: TLFS,
/// HvCallRegisterInterceptResult, HV_REGISTER_X64_CPUID_RESULT_PARAMETERS.
struct RegisteredCpuid {
    u32 vp;
    u32 leaf, subleaf;
    bool any_subleaf;
    CpuidValues values;
    CpuidValues masks;
};

/// All that were registered for a partition, in pages that are chained. The caller holds the
/// partition's lock to add; to apply none, since entries are only added.
class CpuidResults {
public:
    static constexpr u32 every_vp = 0xFFFFFFFF;

    /// Whether the next one needs a page more.
    [[nodiscard]] bool is_full() const { return last_ == nullptr || last_->count == most; }
    /// A zeroed page.
    void give(void* page);
    /// Registers one; in place of one for the same leaf.
    void add(const RegisteredCpuid& result);

    void apply(u32 vp, u32 leaf, u32 subleaf, CpuidValues& values) const;

    /// Takes the pages back one by one; null at the end.
    void* take_page();

private:
    static constexpr u32 most = 72;
    struct Page {
        Page* next;
        u32 count;
        RegisteredCpuid entries[most];
    };
    static_assert(sizeof(Page) <= page_size);

    Page* first_ = nullptr;
    Page* last_ = nullptr;
};

} // namespace mshv::standin
