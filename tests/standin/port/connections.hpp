// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/spinlock.hpp"

namespace mshv::standin {

/// A write of a child to a place in its memory that has nothing there: instead of an intercept it
/// rings a port of its parent. Source: Linux, include/hyperv/hvhdk.h, doorbell_connection_info.
struct Doorbell {
    u32 connection = 0;
    u32 port = 0;
    u64 gpa = 0;
    u64 value = 0;
    u32 flags = 0;

    static constexpr u32 size_mask = 7; ///< 0 = any, else 2^(n-1) bytes
    static constexpr u32 any_value = 1U << 31;

    [[nodiscard]] bool matches(u64 where, u32 size, u64 written) const {
        const u32 wanted = flags & size_mask;
        return where == gpa && (wanted == 0 || size == 1U << (wanted - 1)) &&
               ((flags & any_value) != 0 || written == value);
    }
};

/// The doorbells of one child, in pages of its own. Thread-safe. Pure; also compiled for the host,
/// where it is tested.
class Connections {
public:
    enum class Added : u8 { yes, exists, no_room };

    /// `no_room`: it needs a page, see give().
    Added add(const Doorbell& doorbell);
    /// False when there is none of this number.
    bool remove(u32 connection);
    void clear();
    /// The port that this write rings; 0 = none.
    u32 find(u64 gpa, u32 size, u64 value) const;
    /// Whether anything at all is at this address.
    [[nodiscard]] bool covers(u64 gpa) const;

    /// A zeroed page for more.
    void give(void* page);
    /// Takes the pages back one by one; null at the end.
    void* take_page();

private:
    static constexpr u32 most = 100;
    struct Page {
        Page* next;
        Doorbell entries[most]; ///< free when its port is 0
    };
    static_assert(sizeof(Page) <= page_size);

    mutable Spinlock lock_;
    Page* first_ = nullptr;
};

} // namespace mshv::standin
