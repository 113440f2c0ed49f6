// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/spinlock.hpp"
#include "tests/standin/synic/event_ring.hpp"
#include "tests/standin/synic/message_queues.hpp"

namespace mshv::standin::synic {

/// The vectors of the interrupts that something brought about, in order. Whoever asked for it sends
/// them, without the controller's lock.
class Interrupts {
public:
    void add(u8 vector) {
        if (count_ < sizeof(vectors_)) {
            vectors_[count_++] = vector;
        }
    }
    [[nodiscard]] const u8* begin() const { return vectors_; }
    [[nodiscard]] const u8* end() const { return vectors_ + count_; }

private:
    u8 vectors_[2 * MessageQueues::most + sint_count] = {};
    std::size_t count_ = 0;
};

/// What became of a message.
enum class Posted : u8 {
    delivered, ///< in the guest's slot
    queued,    ///< until the slot is free, or the guest wants to hear of it
    no_room,   ///< as many wait as may
    off,       ///< the guest has switched its controller off
};

/// Whether a message may go into its slot at once or has to wait for the next occasion.
enum class Delivery : u8 { now, later };

/// The synthetic interrupt controller of one VP: its registers, what waits for it, and the protocols of
/// the pages that it shares with the guest. Thread-safe: anyone posts, the VP itself writes registers.
/// Source: TLFS, "Synthetic Interrupt Controller".
class Synic {
public:
    constexpr Synic() = default;

    /// The pages, at these addresses in the machine and the guest alike, which the guest may switch on.
    /// `queues`: for messages that wait. Before anyone else knows of it.
    void set_pages(u64 messages, u64 flags, u64 rings, MessageQueues* queues);

    /// Where a page of the guest is in the machine; null while it is nowhere.
    using Reach = u8* (*)(void* context, u64 gpa);
    /// Pages of the guest's own choice.
    void set_guest(Reach reach, void* context, MessageQueues* queues);

    /// False when there is no such register, or this may not be written to it.
    bool read(u32 number, u64& value) const;
    bool write(u32 number, u64 value, Interrupts& interrupts);

    Posted post(u32 sint, const Message& message, Delivery when, Interrupts& interrupts);
    /// Sets a flag of the guest's event page. False when the guest does not want to hear of it.
    bool signal_event(u32 sint, u32 flag, Interrupts& interrupts);
    /// Appends a port to a SINT's ring. False when it is lost.
    bool ring_doorbell(u32 sint, u32 port, Interrupts& interrupts);
    /// The guest has emptied that ring.
    void on_ring_empty(u32 sint, Interrupts& interrupts);

    /// Interrupts of this vector end by themselves. To be asked by the VP's own processor.
    [[nodiscard]] bool ends_itself(u32 vector) const {
        return (self_ending_[vector / 64] >> (vector % 64) & 1) != 0;
    }

    static constexpr u32 flags_per_sint = 2048;

private:
    [[nodiscard]] bool is_open(u32 sint) const;
    void set_page(u64& reg, u64 value) const;
    [[nodiscard]] u8* page_of(u64 reg) const;
    void write_control(u64 value);
    bool write_sint(u32 sint, u64 value);
    void write_ring_page(u64 value);
    void interrupt(u32 sint, Interrupts& interrupts) const;
    void signal_ring(u32 sint, Interrupts& interrupts);
    void deliver(u32 sint, Interrupts& interrupts);
    void deliver_all(Interrupts& interrupts);
    bool deliver_one(u32 sint, u8* slot);

    mutable Spinlock lock_;
    u64 control_ = 0;
    u64 message_page_ = 0, flags_page_ = 0, ring_page_ = 0; ///< and enable bits
    u64 sints_[sint_count] = {};
    u64 self_ending_[4] = {};
    MessageQueues* queues_ = nullptr;
    Reach reach_ = nullptr; ///< null: the pages are the hypervisor's choice
    void* context_ = nullptr;
    EventRing rings_[sint_count];
    u16 intercepts_ = 0; ///< of these SINTs the guest is to be told by a message at SINT0
};

} // namespace mshv::standin::synic
