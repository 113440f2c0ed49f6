// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// Whose turn it is on a logical processor. The root's VP and the children that wait there take
/// turns; an interrupt of the root ends a child's at once, and the root has no longer a turn then
/// than the child has had. So the root gets half of a processor that it keeps busy, and all
/// children there the other half. Pure; only its processor uses it. Times are in units of 100 ns.
class Turns {
public:
    static constexpr u64 longest = 50'000;
    static constexpr u64 shortest = 5'000; ///< below it, changing costs more than it gives

    enum class Next : u8 { root, child, nobody };

    /// `may_leave`: the root's VP stands where an interrupt of its own would be taken at once.
    /// Otherwise nobody would end the turn of a child.
    [[nodiscard]] Next next(bool children_wait, bool may_leave) const {
        const bool child = children_wait && may_leave;
        if (!root_halted_) {
            return over_ && child ? Next::child : Next::root;
        }
        return child ? Next::child : Next::nobody;
    }

    void halt_root() { root_halted_ = true; }
    void wake_root() { root_halted_ = false; }
    [[nodiscard]] bool root_is_halted() const { return root_halted_; }

    /// The turn's time is up.
    void end() { over_ = true; }
    [[nodiscard]] bool is_over() const { return over_; }

    /// The root's turn begins, or goes on because it could not be left: how long until the next
    /// look.
    [[nodiscard]] u64 root_turn() const { return over_ ? shortest : root_turn_; }
    /// Nobody waits for the end of the root's turn.
    void root_is_alone() {
        over_ = false;
        root_turn_ = longest;
    }

    void begin_child() { over_ = false; }
    /// A child has had `used` of the `left` of its turn: true when what remains is worth another
    /// one, before all others. Otherwise it gets a whole one behind them.
    bool end_child(u64& left, u64 used) {
        over_ = false;
        root_turn_ = used < shortest ? shortest : used < longest ? used : longest;
        left = used < left ? left - used : 0;
        if (left >= shortest) {
            return true;
        }
        left = longest;
        return false;
    }

private:
    bool root_halted_ = false;
    bool over_ = false;
    u64 root_turn_ = longest;
};

} // namespace mshv::standin
