// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

#include <string>
#include <vector>

namespace mshv::domain {

/// One cell of the capability matrix: an accelerator of a VMM on this host.
struct AcceleratorCapability {
    api::Accelerator accelerator = api::Accelerator::tcg;
    bool usable = false;
    std::string why; ///< why not; or what was checked
    /// What partitions under it cannot do although the VMM has a command for it, e.g. "nmi".
    std::vector<std::string> lacks;
};

/// A VMM that is installed here.
struct VmmCapability {
    std::string name;                                ///< "qemu"
    std::string program;                             ///< absolute path
    std::string version;                             ///< empty when it could not be asked
    std::string why;                                 ///< why it is not usable; empty when it is
    std::vector<AcceleratorCapability> accelerators; ///< best first
    std::vector<std::string> machines;
};

} // namespace mshv::domain
