// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/faults/injection.hpp"
#include "tests/standin/partition/partition.hpp"

namespace mshv::standin {

/// A zeroed page of those that were deposited for the partition, whose lock is held; null with the
/// status that the call answers, for which the caller deposits and asks again.
inline void* take_deposited(Partition& partition, u32 code, Status& status) {
    status = faults::on_memory(code);
    if (status != Status::success) {
        return nullptr;
    }
    void* const page = partition.pool.take();
    status = page == nullptr ? Status::insufficient_memory : Status::success;
    return page;
}

} // namespace mshv::standin
