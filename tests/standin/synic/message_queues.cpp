// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/synic/message_queues.hpp"

namespace mshv::standin::synic {

bool MessageQueues::push(u32 sint, const Message& message) {
    constexpr u32 every_buffer = (1U << (most + 1)) - 2;
    Chain& chain = chains_[sint];
    const u32 free = every_buffer & ~u32{used_};
    if (free == 0 || chain.count == most_of_one) {
        return false;
    }
    const auto number = static_cast<u8>(__builtin_ctz(free));
    used_ = static_cast<u16>(used_ | 1U << number);
    buffers_[number - 1] = message;
    next_[number] = 0;
    if (chain.first == 0) {
        chain.first = number;
    } else {
        next_[chain.last] = number;
    }
    chain.last = number;
    ++chain.count;
    return true;
}

const Message* MessageQueues::front(u32 sint) const {
    const u8 number = chains_[sint].first;
    return number == 0 ? nullptr : &buffers_[number - 1];
}

void MessageQueues::pop(u32 sint) {
    Chain& chain = chains_[sint];
    used_ = static_cast<u16>(used_ & ~(1U << chain.first));
    chain.first = next_[chain.first];
    --chain.count;
}

void MessageQueues::clear() {
    for (Chain& chain : chains_) {
        chain = {};
    }
    used_ = 0;
}

} // namespace mshv::standin::synic
