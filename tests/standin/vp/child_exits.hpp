// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

namespace mshv::standin {

/// What follows from an exit of a child's VP.
enum class Outcome : u8 {
    go_on,
    intercepted, ///< the parent has a message; the VP is suspended
    interrupted, ///< something of this processor's: it has to be looked at
};

/// Does a hypercall of a VP that stands at its VMMCALL, and leaves it behind that.
using OnCall = void (*)(Partition& caller, u32 vp, VirtualProcessor& cpu);

/// Does what the VP left its guest for, on the processor that runs it.
Outcome on_child_exit(ChildVp& vp, OnCall on_call);

} // namespace mshv::standin
