// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/synic/message.hpp"

namespace mshv::standin::synic {

/// The messages of one VP that wait for their slots, in order for each SINT. Exactly one page, and
/// empty when that is zeroed: so it can be made of any page that belongs to the partition. No SINT can
/// take all the room.
class MessageQueues {
public:
    static constexpr u32 most = 15;
    static constexpr u32 most_of_one = 8;

    /// False when there is no room.
    bool push(u32 sint, const Message& message);
    /// The oldest; null when there is none.
    [[nodiscard]] const Message* front(u32 sint) const;
    void pop(u32 sint);
    [[nodiscard]] u32 count(u32 sint) const { return chains_[sint].count; }
    void clear();

private:
    /// Numbers of buffers begin at 1.
    struct Chain {
        u8 first, last, count;
    };

    Chain chains_[sint_count];
    u8 next_[most + 1];
    u16 used_; ///< bit n: buffer n
    alignas(sizeof(Message)) Message buffers_[most];
};
static_assert(sizeof(MessageQueues) == page_size);

} // namespace mshv::standin::synic
