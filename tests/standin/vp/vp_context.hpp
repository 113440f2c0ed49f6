// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/svm/reset.hpp"
#include "tests/standin/vlapic/vlapic.hpp"

namespace mshv::standin {

/// Registers that the hypervisor keeps for a VP in place of the machine's.
struct VirtualMsrs {
    u64 pat = svm::initial_pat;
    u64 tsc_aux = 0;
    u64 tsc_adjust = 0;
    u64 spec_control = 0;
    u64 misc_enable = 1;     ///< fast strings
    u64 feature_control = 1; ///< locked
    u64 mtrr_default = 0;
    u64 mtrr_variable[32] = {}; ///< pairs of base and mask
    u64 mtrr_fixed[11] = {};
};

/// What of a VP neither its control block nor its object holds: exactly one page.
struct alignas(page_size) VpContext {
    static constexpr std::size_t extended_size = 1024;

    alignas(64) u8 extended[extended_size]; ///< an XSAVE area
    u64 xcr0;
    u64 debug[4];
    VirtualMsrs msrs;
    vlapic::Vlapic apic;
};
static_assert(sizeof(VpContext) == page_size);

} // namespace mshv::standin
