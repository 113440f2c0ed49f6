// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/synic/synic.hpp"
#include "tests/standin/tlfs/msr.hpp"

#include <optional>
#include <vector>

namespace mshv::standin::synic {

/// A VP's controller and the pages that it shares with its guest, and the guest's side of these.
struct Vp {
    struct alignas(page_size) Page {
        u8 bytes[page_size] = {};
    };

    Vp() {
        synic.set_pages(address_of(&messages), address_of(&flags), address_of(&rings), &queues);
    }

    bool write(u32 number, u64 value) { return synic.write(number, value, interrupts); }
    u64 read(u32 number) {
        u64 value = ~0ULL;
        (void)synic.read(number, value);
        return value;
    }
    /// As Linux does it: everything on, SINT0 and SINT5 at one vector.
    void switch_on() {
        constexpr u64 as_intercept = 1U << 19;
        (void)write(hv_msr::simp, 1);
        (void)write(hv_msr::siefp, 1);
        (void)write(hv_msr::sirbp, 1);
        (void)write(hv_msr::sint0, vector);
        (void)write(hv_msr::sint0 + doorbell_sint, vector | as_intercept);
        (void)write(hv_msr::scontrol, 1);
    }
    Posted post(u32 sint, u32 type, u64 text, Delivery when = Delivery::now) {
        return synic.post(sint, make_message(type, 1, text), when, interrupts);
    }

    [[nodiscard]] const Message& slot(u32 sint) const {
        return reinterpret_cast<const Message*>(messages.bytes)[sint];
    }
    /// What the guest does with a message: the text of it, and whether it has to say that it has it.
    struct Taken {
        u32 type;
        u64 text;
        bool pending;
    };
    std::optional<Taken> take(u32 sint) {
        auto* const message = reinterpret_cast<Message*>(messages.bytes) + sint;
        Taken taken{__atomic_load_n(&message->type, __ATOMIC_ACQUIRE), 0, false};
        if (taken.type == message_type::none) {
            return std::nullopt;
        }
        __builtin_memcpy(&taken.text, message->payload, sizeof(taken.text));
        __atomic_store_n(&message->type, message_type::none, __ATOMIC_SEQ_CST);
        taken.pending = (__atomic_load_n(&message->flags, __ATOMIC_SEQ_CST) & 1) != 0;
        return taken;
    }

    /// One port off the ring of doorbells, by the steps of Linux's mshv driver; 0 = none, and the signal
    /// is wanted again.
    u32 next_port(u32 sint) {
        u8* const ring = rings.bytes + sint * EventRing::size;
        auto* const data = reinterpret_cast<u32*>(ring) + 1;
        const auto look = [&] { return __atomic_load_n(&data[tail], __ATOMIC_SEQ_CST); };
        u32 port = look();
        if (port == 0) {
            if (__atomic_load_n(&ring[1], __ATOMIC_SEQ_CST) != 0) {
                __atomic_store_n(&ring[1], u8{0}, __ATOMIC_SEQ_CST);
                Interrupts more;
                synic.on_ring_empty(sint, more);
                port = look();
            }
            if (port == 0) {
                __atomic_store_n(&ring[0], u8{0}, __ATOMIC_SEQ_CST);
                port = look();
                if (port == 0) {
                    return 0;
                }
            }
            __atomic_store_n(&ring[0], u8{1}, __ATOMIC_SEQ_CST);
        }
        __atomic_store_n(&data[tail], 0, __ATOMIC_SEQ_CST);
        tail = (tail + 1) % EventRing::places;
        return port;
    }

    std::vector<u8> raised() {
        std::vector<u8> all(interrupts.begin(), interrupts.end());
        interrupts = {};
        return all;
    }

    static constexpr u8 vector = 0xF3;

    Page messages, flags, rings;
    MessageQueues queues{};
    Synic synic;
    Interrupts interrupts;
    u32 tail = 0;
};

} // namespace mshv::standin::synic
