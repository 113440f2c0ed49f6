// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// The pages that were deposited for a partition and are not in use: the only memory from which
/// something is made for it. The caller holds the partition's lock. What a free page held is lost.
class DepositPool {
public:
    void deposit(PhysicalAddress page) {
        put(page);
        ++deposited_;
    }
    /// A zeroed page for the partition's use; null when none is left.
    void* take();
    /// Takes back what take() gave.
    void put(PhysicalAddress page);
    /// A page that leaves the pool for good; 0 when none is free.
    PhysicalAddress withdraw();

    [[nodiscard]] u64 free() const { return free_; }
    [[nodiscard]] u64 deposited() const { return deposited_; }
    [[nodiscard]] u64 withdrawn() const { return withdrawn_; }
    /// Free or in use.
    [[nodiscard]] u64 held() const { return deposited_ - withdrawn_; }

private:
    PhysicalAddress pop();

    PhysicalAddress first_ = 0; ///< each free page begins with the address of the next
    u64 free_ = 0;
    u64 deposited_ = 0;
    u64 withdrawn_ = 0;
};

} // namespace mshv::standin
