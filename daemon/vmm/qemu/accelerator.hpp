// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/capabilities.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mshv::vmm::qemu {

/// What the host has under an accelerator; QEMU's own part is in Capabilities.
struct HostAccelerator {
    bool usable = false;
    std::string why;            ///< what was found, e.g. "/dev/mshv does not exist"
    std::optional<gid_t> group; ///< supplementary group that opens the device
};

struct HostAccelerators {
    HostAccelerator mshv, kvm;
};

struct AcceleratorChoice {
    api::Accelerator accelerator = api::Accelerator::tcg;
    std::string reason; ///< why this one and why none before it
};

/// Why `accelerator` cannot be used; empty = it can.
std::string why_not(api::Accelerator accelerator, const Capabilities& capabilities,
                    const HostAccelerators& host);

/// The one that `spec` asks for, or the first of mshv, kvm and tcg that works. Throws
/// api::Error{unsupported} with every reason.
AcceleratorChoice choose_accelerator(const api::PartitionSpec& spec,
                                     const Capabilities& capabilities,
                                     const HostAccelerators& host);

/// Commands that the VMM answers without doing them: "nmi", "save", "migrate" … They are refused
/// here, since QEMU up to 11.1 reports success for each of them under mshv.
std::vector<std::string> lacking(api::Accelerator accelerator, const Version& version);

} // namespace mshv::vmm::qemu
