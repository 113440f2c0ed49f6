// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/synic/synic.hpp"

#include "tests/standin/synic/message_slot.hpp"
#include "tests/standin/tlfs/msr.hpp"

namespace mshv::standin::synic {
namespace {

constexpr u64 enabled = 1;
constexpr u64 version = 1;
constexpr u32 most_refusals = 8;

namespace sint_bit {
constexpr u64 masked = 1ULL << 16;
constexpr u64 auto_eoi = 1ULL << 17;
constexpr u64 polling = 1ULL << 18;
constexpr u64 as_intercept = 1ULL << 19;
} // namespace sint_bit

u32 vector_of(u64 sint) {
    return static_cast<u32>(sint & 0xFF);
}

} // namespace

/// Where the page is the hypervisor's choice, the guest may only switch it on and off.
void Synic::set_page(u64& reg, u64 value) const {
    reg = reach_ != nullptr ? value : (reg & ~enabled) | (value & enabled);
}

u8* Synic::page_of(u64 reg) const {
    const u64 page = align_down(reg, page_size);
    return reach_ != nullptr ? reach_(context_, page) : at<u8>(page);
}

void Synic::set_guest(Reach reach, void* context, MessageQueues* queues) {
    reach_ = reach;
    context_ = context;
    set_pages(0, 0, 0, queues);
}

void Synic::set_pages(u64 messages, u64 flags, u64 rings, MessageQueues* queues) {
    message_page_ = messages;
    flags_page_ = flags;
    ring_page_ = rings;
    queues_ = queues;
    for (u64& sint : sints_) {
        sint = sint_bit::masked;
    }
}

bool Synic::read(u32 number, u64& value) const {
    using namespace hv_msr;
    const Guard guard(lock_);
    switch (number) {
    case scontrol:
        value = control_;
        return true;
    case sversion:
        value = version;
        return true;
    case siefp:
        value = flags_page_;
        return true;
    case simp:
        value = message_page_;
        return true;
    case sirbp:
        value = ring_page_;
        return true;
    case eom:
        value = 0;
        return true;
    default:
        if (number < sint0 || number > sint15) {
            return false;
        }
        value = sints_[number - sint0];
        return true;
    }
}

bool Synic::write(u32 number, u64 value, Interrupts& interrupts) {
    using namespace hv_msr;
    const Guard guard(lock_);
    switch (number) {
    case scontrol:
        write_control(value);
        break;
    case siefp:
        set_page(flags_page_, value);
        break;
    case simp:
        set_page(message_page_, value);
        break;
    case sirbp:
        write_ring_page(value);
        break;
    case eom:
        break;
    default:
        if (number < sint0 || number > sint15 || !write_sint(number - sint0, value)) {
            return false;
        }
    }
    deliver_all(interrupts); // each of them may be what a message has waited for
    return true;
}

/// What waits for a controller that is switched off is lost: nobody knows who will switch it on next.
void Synic::write_control(u64 value) {
    control_ = value & enabled;
    if (control_ == 0) {
        intercepts_ = 0;
        if (queues_ != nullptr) {
            queues_->clear();
        }
    }
}

bool Synic::write_sint(u32 sint, u64 value) {
    constexpr u32 lowest_vector = 16;
    if ((value & sint_bit::masked) == 0 && vector_of(value) < lowest_vector) {
        return false;
    }
    sints_[sint] = value;
    for (u64& word : self_ending_) {
        word = 0;
    }
    for (const u64 one : sints_) {
        if ((one & sint_bit::masked) == 0 && (one & sint_bit::auto_eoi) != 0) {
            self_ending_[vector_of(one) / 64] |= 1ULL << (vector_of(one) % 64);
        }
    }
    return true;
}

/// Who switches the rings on begins at the first place of each, and finds it free.
void Synic::write_ring_page(u64 value) {
    const bool begins = (ring_page_ & enabled) == 0 && (value & enabled) != 0;
    set_page(ring_page_, value);
    u8* const page = page_of(ring_page_);
    if (begins && page != nullptr) {
        __builtin_memset(page, 0, page_size);
        for (EventRing& ring : rings_) {
            ring.reset();
        }
    }
}

bool Synic::is_open(u32 sint) const {
    return (control_ & enabled) != 0 && (sints_[sint] & sint_bit::masked) == 0;
}

void Synic::interrupt(u32 sint, Interrupts& interrupts) const {
    if ((sints_[sint] & sint_bit::polling) == 0) {
        interrupts.add(static_cast<u8>(vector_of(sints_[sint])));
    }
}

/// Writes what is next at this SINT; intercepts first, which are made when there is a place for them
/// and so need none to wait in.
bool Synic::deliver_one(u32 sint, u8* slot) {
    if (sint != intercept_sint || intercepts_ == 0) {
        if (!MessageSlot(slot).put(*queues_->front(sint), queues_->count(sint) > 1)) {
            return false;
        }
        queues_->pop(sint);
        return true;
    }
    const u16 others = static_cast<u16>(intercepts_ & (intercepts_ - 1));
    const SintIntercept which{static_cast<u32>(__builtin_ctz(intercepts_))};
    const Message message = make_message(message_type::sint_intercept, 0, which);
    if (!MessageSlot(slot).put(message, others != 0 || queues_->count(sint) != 0)) {
        return false;
    }
    intercepts_ = others;
    return true;
}

void Synic::deliver(u32 sint, Interrupts& interrupts) {
    if (queues_ == nullptr || !is_open(sint) || (message_page_ & enabled) == 0) {
        return;
    }
    u8* const page = page_of(message_page_);
    if (page == nullptr) {
        return;
    }
    u8* const slot = page + sint * sizeof(Message);
    u32 refusals = 0; // a guest that gives the slot back and takes it again must not hold us
    while (queues_->count(sint) != 0 || (sint == intercept_sint && intercepts_ != 0)) {
        if (deliver_one(sint, slot)) {
            interrupt(sint, interrupts);
        } else if (MessageSlot(slot).ask_for_end_of_message() || ++refusals == most_refusals) {
            return;
        }
    }
}

void Synic::deliver_all(Interrupts& interrupts) {
    for (u32 sint = 0; sint < sint_count; ++sint) {
        deliver(sint, interrupts);
    }
}

Posted Synic::post(u32 sint, const Message& message, Delivery when, Interrupts& interrupts) {
    const Guard guard(lock_);
    if ((control_ & enabled) == 0 || queues_ == nullptr) {
        return Posted::off;
    }
    bool queued = queues_->push(sint, message);
    if (when == Delivery::now) {
        deliver(sint, interrupts);
    }
    if (!queued) {
        queued = queues_->push(sint, message);
        if (queued && when == Delivery::now) {
            deliver(sint, interrupts);
        }
    }
    if (!queued) {
        return Posted::no_room;
    }
    return queues_->count(sint) == 0 ? Posted::delivered : Posted::queued;
}

bool Synic::signal_event(u32 sint, u32 flag, Interrupts& interrupts) {
    const Guard guard(lock_);
    if (!is_open(sint) || (flags_page_ & enabled) == 0) {
        return false;
    }
    constexpr u32 bytes_per_sint = flags_per_sint / 8;
    u8* const page = page_of(flags_page_);
    if (page == nullptr) {
        return false;
    }
    u8* const byte = page + sint * bytes_per_sint + flag / 8;
    const auto bit = static_cast<u8>(1U << (flag % 8));
    if ((__atomic_fetch_or(byte, bit, __ATOMIC_SEQ_CST) & bit) == 0) {
        interrupt(sint, interrupts);
    }
    return true;
}

/// A SINT that is an intercept tells by a message at SINT0, any other by its own interrupt.
void Synic::signal_ring(u32 sint, Interrupts& interrupts) {
    if ((sints_[sint] & sint_bit::as_intercept) == 0) {
        interrupt(sint, interrupts);
        return;
    }
    intercepts_ = static_cast<u16>(intercepts_ | 1U << sint);
    deliver(intercept_sint, interrupts);
}

bool Synic::ring_doorbell(u32 sint, u32 port, Interrupts& interrupts) {
    const Guard guard(lock_);
    if (port == 0 || !is_open(sint) || (ring_page_ & enabled) == 0) {
        return false;
    }
    u8* const page = page_of(ring_page_);
    if (page == nullptr) {
        return false;
    }
    const EventRing::Result result = rings_[sint].put(page + sint * EventRing::size, port);
    if (result.signal) {
        signal_ring(sint, interrupts);
    }
    return result.taken;
}

void Synic::on_ring_empty(u32 sint, Interrupts& interrupts) {
    const Guard guard(lock_);
    u8* const page = (ring_page_ & enabled) != 0 ? page_of(ring_page_) : nullptr;
    if (is_open(sint) && page != nullptr &&
        rings_[sint].on_empty(page + sint * EventRing::size)) {
        signal_ring(sint, interrupts);
    }
}

} // namespace mshv::standin::synic
