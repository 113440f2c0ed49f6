// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mshv::domain {

/// A file that the daemon opens and the VMM receives as a descriptor: the VMM itself never opens a
/// disk by path.
struct FilePlan {
    int target = -1; ///< descriptor number in the VMM
    std::string path;
    api::DiskFormat format = api::DiskFormat::raw;
    bool backing = false; ///< qcow2: a backing file is declared (one that is not is refused)
    bool writable = false;
    bool block_device = false; ///< what it must be; anything else is refused after the open
    bool direct = false;       ///< O_DIRECT
    std::string node{};        ///< which file or device it must be (DiskClaim); empty = any
};

/// A tap that daemon/net makes and the VMM receives as a descriptor.
struct TapPlan {
    int target = -1;
    std::string name; ///< interface name
    std::string bridge;
    std::optional<unsigned> mtu;
    bool link_up = true;
    std::optional<unsigned> vlan;                  ///< of the bridge, which must filter VLANs
    std::optional<api::NicRate> inbound, outbound; ///< to the guest, and from it
};

/// A file that the VMM must open by path (kernel, initrd, firmware). Where the VMM's user cannot
/// read it, a copy in the run folder stands in, and its path in argv.
struct PathPlan {
    std::string path;
    std::size_t argument = 0; ///< index in argv of the element that is this path
};

/// A file that is copied from a template at the first start (the firmware's variable store).
struct CopyPlan {
    std::string from;
    std::string to; ///< made only when it does not exist
};

/// The image that cloud-init looks for in the guest, made at each start.
struct SeedPlan {
    struct File {
        std::string name;
        api::SeedDocument document;
    };
    std::string path; ///< in the run folder
    std::vector<File> files;
};

/// Who the VMM runs as; absent = as the daemon itself (a daemon that is not root).
struct VmmUser {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; ///< e.g. the group of /dev/mshv or /dev/kvm
};

/// What the keeper does by itself when its VMM ends, so that it happens with the daemon down.
struct EndPolicy {
    api::OnEnd on_poweroff = api::OnEnd::destroy;
    api::OnEnd on_reboot = api::OnEnd::restart;
    api::OnEnd on_crash = api::OnEnd::destroy;
    api::RestartPolicy restart;
    bool exit_port = false; ///< an odd exit status of the VMM is the guest's own end
    bool operator==(const EndPolicy&) const = default;
};

/// As it is told at the start, and again when the definition changes.
inline EndPolicy end_policy(const api::PartitionSpec& spec) {
    return {spec.on_poweroff, spec.on_reboot, spec.on_crash, spec.restart, spec.devices.exit_port};
}

/// Everything that starting a partition needs: a value, tested without a process.
struct LaunchPlan {
    api::Uuid uuid{};
    api::PartitionNumber id = 0;
    std::string name;
    std::string incarnation; ///< folder below the partition's run folder
    std::string run_dir;     ///< /run/mshv/<uuid>/<incarnation>
    std::string log_dir;     ///< /var/log/mshv/<uuid>
    std::string program;     ///< the VMM, absolute
    std::vector<std::string> argv;
    std::vector<std::string> first_argv; ///< behind argv, for the first generation alone
    std::vector<std::string> env;
    std::vector<FilePlan> files;
    std::vector<TapPlan> taps;
    std::vector<PathPlan> readable_paths;
    std::vector<CopyPlan> copies; ///< made before `files` are opened
    std::optional<SeedPlan> seed; ///< the same
    /// Monitor commands that each generation's VMM must do before its VPs run.
    std::vector<std::string> setup;
    /// Where the VMM's threads may run, as its keeper reads it; empty = on any processor.
    std::string affinity;
    int monitor_target = -1; ///< descriptor number of the listening monitor socket in the VMM
    std::optional<int> agent_target; ///< the same for the guest agent's channel
    std::optional<VmmUser> user;
    EndPolicy policy;
    std::optional<api::Console> console;
    api::Accelerator accelerator = api::Accelerator::tcg; ///< chosen, never automatic
    std::string accelerator_reason;
    std::string vmm_version; ///< "qemu 7.2.22"
    bool start_paused = false;
};

} // namespace mshv::domain
