// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::hostprobe {

/// A partition that the hypervisor has beside the root, as the root's kernel tells it.
struct HypervisorPartition {
    std::uint64_t id = 0;
    std::int64_t process = 0; ///< that made it; 0 = the kernel does not tell
    std::optional<std::int64_t> vps, guest_pages, deposited_pages, withdrawn_pages;
};

/// All of them, in order of their ids.
struct HypervisorPartitions {
    bool known = false; ///< this kernel lists them, and this process may read it
    std::string why;    ///< why not
    /// Each has the process that made it. Without that nobody can say whose they are.
    bool with_processes = false;
    std::optional<std::uint64_t> root_id; ///< the root's own, which is not among them
    std::vector<HypervisorPartition> partitions;
};

/// Reads what there is below `root`/sys/kernel/debug/mshv: `partitions` of Linux 6.12 with the
/// series, or partition/ID/ of Linux 7.2. Text that is not understood is left out, never trusted.
HypervisorPartitions read_partitions(const std::string& root = {});

/// The text of the series' file; empty for one that does not begin as it does.
std::optional<std::vector<HypervisorPartition>> parse_partitions(std::string_view text);

/// The hypervisor's scheduler by the kernel's log, a record of /dev/kmsg a line: "root", "core",
/// "classic", "classic SMT"; empty when the driver has not said it, or too long ago.
std::string scheduler_of_log(std::string_view records);

} // namespace mshv::hostprobe
