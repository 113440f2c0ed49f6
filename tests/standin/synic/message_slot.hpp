// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/synic/message.hpp"

namespace mshv::standin::synic {

/// A SINT's place in the guest's message page: 256 bytes that the guest may write to at any time and
/// in any order. Nothing is believed of them but whether the type is 0. One writer on this side at a
/// time.
///
/// The guest takes a message by setting its type to 0 and then looks whether message_pending is set;
/// if it is, it says so by EOM. Source: TLFS, "SynIC Message Delivery".
class MessageSlot {
public:
    explicit MessageSlot(u8* where) : where_(where) {}

    /// Writes `message` if the slot is free, its type last. `more`: another one waits behind it.
    bool put(const Message& message, bool more);

    /// Asks the guest to say when it has taken what is there. False: it has already, so it may not have
    /// seen this.
    bool ask_for_end_of_message();

private:
    u8* where_;
};

} // namespace mshv::standin::synic
