// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

#include <cstddef>

namespace mshv::standin::svm {

/// Interrupts that this processor has taken from its controller and that its guest has not got yet: as
/// a rule none or one. The next is the one of the highest priority, as the controller has them in
/// service; what an older controller gave goes last, since it awaits nobody's end. Pure.
class InterruptQueue {
public:
    static constexpr std::size_t most = 16;

    /// False when there is no room.
    constexpr bool add(u8 vector, bool in_service) {
        if (count_ == most) {
            return false;
        }
        const u8 priority = in_service ? vector : u8{0};
        std::size_t place = count_++;
        for (; place > 0 && entries_[place - 1].priority > priority; --place) {
            entries_[place] = entries_[place - 1];
        }
        entries_[place] = {vector, priority};
        return true;
    }
    [[nodiscard]] constexpr std::size_t size() const { return count_; }
    /// The one to deliver; there must be one.
    [[nodiscard]] constexpr u8 next() const { return entries_[count_ - 1].vector; }
    constexpr u8 take_next() { return entries_[--count_].vector; }

private:
    struct Entry {
        u8 vector, priority;
    };
    Entry entries_[most] = {}; ///< ascending
    std::size_t count_ = 0;
};

} // namespace mshv::standin::svm
