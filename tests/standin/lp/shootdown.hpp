// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// How often translations have become invalid on all processors. One in the machine.
class TranslationClock {
public:
    [[nodiscard]] u64 now() const { return __atomic_load_n(&now_, __ATOMIC_SEQ_CST); }
    u64 advance() { return __atomic_add_fetch(&now_, 1, __ATOMIC_SEQ_CST); }

private:
    u64 now_ = 1;
};

/// Whether a processor is in its guest, and since when by that clock. Only it enters and leaves; anyone
/// may ask.
class GuestPresence {
public:
    /// True when it has to flush what it remembers. Either this sees that the clock has advanced, or who
    /// advanced it sees this: both write before they read.
    template <typename Clock>
    bool enter(const Clock& clock) {
        u64 seen = clock.now();
        for (;;) {
            __atomic_store_n(&inside_since_, seen, __ATOMIC_SEQ_CST);
            const u64 again = clock.now();
            if (again == seen) {
                break;
            }
            seen = again;
        }
        const bool flush = flushed_at_ != seen;
        flushed_at_ = seen;
        return flush;
    }
    void leave() {
        __atomic_store_n(&visits_, visits_ + 1, __ATOMIC_SEQ_CST);
        __atomic_store_n(&inside_since_, 0, __ATOMIC_SEQ_CST);
    }

    /// It is in the guest, and has been since before the clock showed `moment`.
    [[nodiscard]] bool is_behind(u64 moment) const {
        const u64 since = __atomic_load_n(&inside_since_, __ATOMIC_SEQ_CST);
        return since != 0 && since < moment;
    }

    /// It flushes at its next entry whatever happens. By itself.
    void forget() { flushed_at_ = 0; }
    [[nodiscard]] bool is_inside() const {
        return __atomic_load_n(&inside_since_, __ATOMIC_SEQ_CST) != 0;
    }
    /// How often it has left the guest.
    [[nodiscard]] u64 visits() const { return __atomic_load_n(&visits_, __ATOMIC_SEQ_CST); }

private:
    u64 inside_since_ = 0; ///< 0 = outside
    u64 flushed_at_ = 0;
    u64 visits_ = 0;
};

/// That of the machine.
TranslationClock& translation_clock();

/// Makes all processors forget what they remember of translations, guests' and nested, before they run
/// their guests on; returns when none runs with older ones. Locks that another processor may wait for
/// may be held: it waits outside of its guest.
void flush_guests();

/// The same in two steps, for those who know which processors matter: from the first on each one forgets
/// at its next entry, the second waits for those that run on with what they remember. One bit each.
[[nodiscard]] u64 outdate_translations();
void flush_lps(u64 moment, u64 which);

} // namespace mshv::standin
