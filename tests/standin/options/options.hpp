// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/faults/plan.hpp"

#include <string_view>

namespace mshv::standin {

/// What the loader's command line asks for: words apart by spaces, listed in
/// tests/standin/README.md.
struct Options {
    bool hide_hypervisor = false; ///< the root sees no hypervisor, as an ordinary guest
    bool lab = false;             ///< the root may make the calls that only tests make
    bool strict = false;          ///< a deposited page is out of the root's reach
    bool hold_for_pci = false;    ///< while the root configures PCI, its other processors wait
    bool schedules = false; ///< the hypervisor schedules the children's VPs, and not the root
    u32 hints = 0;                ///< further bits of CPUID leaf 0x40000004, EAX
    bool automatic_eoi = false;   ///< advises the guest to have its interrupts ended for it
    faults::Plan faults;
};

/// An unknown or malformed word is an error, since a test that misspells what it wants would prove
/// nothing: false, with that word in `wrong`.
bool parse_options(std::string_view line, Options& options, std::string_view& wrong);

} // namespace mshv::standin
