// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/launch_plan.hpp"
#include "daemon/vmm/qemu/accelerator.hpp"
#include "daemon/vmm/qemu/capabilities.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::vmm::qemu {

/// What to boot, after it has been looked for on this host.
struct BootImage {
    std::string kernel; ///< what -kernel gets: the definition's, or the vmlinux unpacked from it
    std::string qboot;  ///< boot a PVH vmlinux by this firmware; empty = QEMU's default
    std::string efi_code;
    std::string efi_vars_template; ///< empty = the firmware keeps no variables
    api::DiskFormat efi_format = api::DiskFormat::raw;
};

struct Folders {
    std::string run_dir, log_dir, state_dir; ///< roots, as in HostOptions
};

struct PlanInput {
    api::PartitionSpec spec;
    api::PartitionNumber id = 0;
    std::string incarnation;
    bool start_paused = false;
    std::string machine;   ///< a versioned type; empty = the newest
    bool incoming = false; ///< the guest's state comes from a file
    std::string program; ///< the QEMU
    Version version;     ///< its
    AcceleratorChoice accelerator;
    BootImage boot;
    Folders folders;
    std::optional<domain::VmmUser> user;
    std::uint64_t tsc_khz = 0; ///< 0 = unknown
};

/// What `spec` asks for and this QEMU under this accelerator cannot do, all of it at once.
std::vector<api::Problem> objections(const api::PartitionSpec& spec,
                                     const Capabilities& capabilities,
                                     api::Accelerator accelerator);

/// The command line and everything that goes with it. A pure function. Throws api::Error{invalid}
/// for a value that could not be carried to QEMU unchanged.
domain::LaunchPlan make_plan(const PlanInput& input);

} // namespace mshv::vmm::qemu
