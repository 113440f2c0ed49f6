// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/synic/event_ring.hpp"

namespace mshv::standin::synic {
namespace {

// struct hv_synic_event_ring: { u8 signal_masked, u8 ring_full, u16, u32 data[63] }
u8* signal_masked(u8* ring) {
    return ring;
}
u8* ring_full(u8* ring) {
    return ring + 1;
}
u32* place(u8* ring, u32 number) {
    return reinterpret_cast<u32*>(ring) + 1 + number;
}

/// To be asked behind the store, in one order with it: the guest unmasks first and looks into the ring
/// then.
bool wants_signal(u8* ring) {
    return __atomic_load_n(signal_masked(ring), __ATOMIC_SEQ_CST) == 0;
}

} // namespace

bool EventRing::store(u8* ring, u32 port) {
    u32* const where = place(ring, head_);
    if (__atomic_load_n(where, __ATOMIC_SEQ_CST) != 0) {
        return false;
    }
    __atomic_store_n(where, port, __ATOMIC_SEQ_CST);
    head_ = (head_ + 1) % places;
    return true;
}

bool EventRing::hold(u32 port) {
    for (u32 i = 0; i < held_count_; ++i) {
        if (held_[i] == port) {
            return true;
        }
    }
    if (held_count_ == most_held) {
        return false;
    }
    held_[held_count_++] = port;
    return true;
}

EventRing::Result EventRing::put(u8* ring, u32 port) {
    if (held_count_ == 0 && store(ring, port)) {
        return {true, wants_signal(ring)};
    }
    if (!hold(port)) {
        return {};
    }
    return {true, on_empty(ring)};
}

bool EventRing::on_empty(u8* ring) {
    bool stored = false;
    bool marked = false;
    while (held_count_ != 0) {
        if (store(ring, held_[0])) {
            stored = true;
            __builtin_memmove(held_, held_ + 1, --held_count_ * sizeof(held_[0]));
        } else if (!marked) {
            // And once more: the guest may have emptied the ring before it could see the mark.
            marked = true;
            __atomic_store_n(ring_full(ring), u8{1}, __ATOMIC_SEQ_CST);
        } else {
            break;
        }
    }
    return stored && wants_signal(ring);
}

void EventRing::reset() {
    head_ = 0;
    held_count_ = 0;
}

} // namespace mshv::standin::synic
