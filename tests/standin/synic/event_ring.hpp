// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/synic/message.hpp"

namespace mshv::standin::synic {

/// The hypervisor's side of a SINT's ring of ports that were rung: 63 numbers in the guest's memory, 0 =
/// free. The hypervisor writes at the head, the guest takes from the tail. The guest masks the signal
/// while it takes; when it finds a free place and the ring marked full, it says that the ring is empty.
/// Source: Linux, include/hyperv/hvhdk.h (hv_synic_event_ring) and the use that drivers/hv makes of it.
///
/// The page is the guest's: nothing is believed of it but whether a place is free and the signal masked.
/// One writer on this side at a time.
class EventRing {
public:
    static constexpr u32 places = 63;
    static constexpr u32 most_held = 32;
    static constexpr std::size_t size = 256;

    struct Result {
        bool taken = false;  ///< in the ring, or held until there is room; else it is lost
        bool signal = false; ///< the guest is to be told
    };

    /// `port` was rung; not 0. One that is held already is not held twice.
    Result put(u8* ring, u32 port);
    /// The guest says that the ring is empty: what was held goes there. True: it is to be told.
    bool on_empty(u8* ring);
    /// Begins at the first place, with nothing held.
    void reset();

private:
    bool store(u8* ring, u32 port);
    bool hold(u32 port);

    u32 head_ = 0;
    u32 held_count_ = 0;
    u32 held_[most_held] = {};
};

} // namespace mshv::standin::synic
