// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/synic/message_slot.hpp"

namespace mshv::standin::synic {
namespace {

constexpr std::size_t flags_at = offsetof(Message, flags);
constexpr u8 message_pending = 1;

u32* type_of(u8* slot) {
    return reinterpret_cast<u32*>(slot);
}

} // namespace

bool MessageSlot::put(const Message& message, bool more) {
    if (__atomic_load_n(type_of(where_), __ATOMIC_ACQUIRE) != message_type::none) {
        return false;
    }
    // The flags by themselves: the guest reads them after it has given the slot back.
    where_[offsetof(Message, size)] = message.size;
    __atomic_store_n(where_ + flags_at, more ? message_pending : u8{0}, __ATOMIC_RELAXED);
    constexpr std::size_t rest = offsetof(Message, reserved);
    __builtin_memcpy(where_ + rest, reinterpret_cast<const u8*>(&message) + rest,
                     sizeof(message) - rest);
    __atomic_store_n(type_of(where_), message.type, __ATOMIC_RELEASE);
    return true;
}

bool MessageSlot::ask_for_end_of_message() {
    __atomic_fetch_or(where_ + flags_at, message_pending, __ATOMIC_SEQ_CST);
    return __atomic_load_n(type_of(where_), __ATOMIC_SEQ_CST) != message_type::none;
}

} // namespace mshv::standin::synic
