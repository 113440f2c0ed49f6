// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/tlfs/status.hpp"

#include <string_view>

// Which faults the hypervisor is to commit, and at which of its occasions. Pure; also compiled for the
// host, where it is tested.

namespace mshv::standin::faults {

/// `N`: the Nth occasion, `N+`: from the Nth on, `every`.
struct When {
    u64 first = 0; ///< 0 = never
    bool on = false;

    [[nodiscard]] bool at(u64 occasion) const {
        return first != 0 && (on ? occasion >= first : occasion == first);
    }
};

/// Occasions of one kind, counted by whatever processors they come on.
class Fault {
public:
    When when;

    /// One more occasion; true when the fault is due at it.
    bool due() { return when.at(__atomic_add_fetch(&occasions_, 1, __ATOMIC_RELAXED)); }

private:
    u64 occasions_ = 0;
};

/// Of calls with one code.
struct CallFault {
    u32 code = 0;
    Status status = Status::success; ///< call_pending: the call is made, and its end reported later
    u32 elements = 0;                ///< of a list call that are dealt with before
    Fault fault;
};

struct Plan {
    static constexpr std::size_t most_calls = 8;

    Fault memory;
    Status memory_status = Status::insufficient_memory;
    u32 most_elements = ~0U; ///< that one list call deals with
    CallFault calls[most_calls];
    Fault end_of_message; ///< EOM is not heard
    Fault message;        ///< a message is held back
    Fault unknown;        ///< a message comes behind one of a type that nobody knows
    bool repeated_interrupts = false;

    /// Takes `word` in, if it is one of those that README.md lists. False when it is not, or makes no
    /// sense.
    bool add(std::string_view word);

    /// The fault that is due at this call, if one is.
    CallFault* on_call(u32 code);
};

} // namespace mshv::standin::faults
