// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// What the hypervisor tells a guest through its synthetic interrupt controller. Source: TLFS, "Message
// Format", and Linux's include/hyperv/hvgdk_mini.h.

namespace mshv::standin::synic {

constexpr u32 sint_count = 16;
/// Where intercepts are reported, and what stands for them.
constexpr u32 intercept_sint = 0;
/// Of the doorbells of Linux's mshv driver.
constexpr u32 doorbell_sint = 5;

namespace message_type {
constexpr u32 none = 0;
constexpr u32 timer_expired = 0x80000010;
constexpr u32 opaque_intercept = 0x8000003F;
constexpr u32 sint_intercept = 0x80000061;
constexpr u32 async_call_completion = 0x80000070;
constexpr u32 vp_signal_pair = 0x80000101;
constexpr u32 unknown = 0x8000F00D; ///< of no hypervisor
} // namespace message_type

/// As it lies in the guest's memory. A slot with type 0 is free.
struct Message {
    u32 type = message_type::none;
    u8 size = 0; ///< of the payload
    u8 flags = 0;
    u16 reserved = 0;
    u64 sender = 0; ///< a partition's id
    u8 payload[240] = {};
};
static_assert(sizeof(Message) == 256);

template <typename T>
Message make_message(u32 type, u64 sender, const T& payload) {
    static_assert(sizeof(T) <= sizeof(Message::payload));
    Message message;
    message.type = type;
    message.size = sizeof(T);
    message.sender = sender;
    __builtin_memcpy(message.payload, &payload, sizeof(T));
    return message;
}

/// Of message_type::sint_intercept: which SINT has something for the guest.
struct SintIntercept {
    u32 sint;
    u32 reserved = 0;
};

/// Of message_type::async_call_completion: a call that was answered with call_pending has ended.
struct CallCompletion {
    u64 partition;
    u32 status;
    u32 reserved = 0;
    u64 reserved_too = 0;
};

} // namespace mshv::standin::synic
