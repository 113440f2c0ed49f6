// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/memory/deposit_pool.hpp"

namespace mshv::standin {

void DepositPool::put(PhysicalAddress page) {
    *at<PhysicalAddress>(page) = first_;
    first_ = page;
    ++free_;
}

PhysicalAddress DepositPool::pop() {
    const PhysicalAddress page = first_;
    if (page != 0) {
        first_ = *at<PhysicalAddress>(page);
        --free_;
    }
    return page;
}

void* DepositPool::take() {
    const PhysicalAddress page = pop();
    if (page == 0) {
        return nullptr;
    }
    __builtin_memset(at<u8>(page), 0, page_size);
    return at<void>(page);
}

PhysicalAddress DepositPool::withdraw() {
    const PhysicalAddress page = pop();
    withdrawn_ += page != 0 ? 1 : 0;
    return page;
}

} // namespace mshv::standin
