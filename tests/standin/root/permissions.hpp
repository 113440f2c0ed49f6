// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// Which ports and MSRs leave the guest. Source: AMD64 APM volume 2, §15.10 and §15.11.
class Permissions {
public:
    /// An IN or OUT of one of these ports exits.
    void trap_ports(u16 first, u16 count);
    /// RDMSR or WRMSR of it exits. Only for those that the map covers; all others exit always.
    void trap_msr(u32 number);

    [[nodiscard]] PhysicalAddress ports() const { return address_of(ports_); }
    [[nodiscard]] PhysicalAddress msrs() const { return address_of(msrs_); }

private:
    alignas(page_size) u8 ports_[3 * page_size] = {};
    alignas(page_size) u8 msrs_[2 * page_size] = {};
};

} // namespace mshv::standin
