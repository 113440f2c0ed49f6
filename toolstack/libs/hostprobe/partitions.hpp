// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::hostprobe {

/// A virtual processor of such a partition. What the kernel does not know is absent.
struct HypervisorVp {
    std::int64_t index = 0;
    std::optional<std::int64_t> run_ns;        ///< in the guest
    std::optional<std::int64_t> hypervisor_ns; ///< in the hypervisor, on its behalf
    std::optional<std::int64_t> dispatched_ns; ///< both, by the root's clock
    std::optional<std::int64_t> waiting_ns;    ///< it could have run, and was not dispatched
    std::optional<std::int64_t> blocked_ns;    ///< it was halted
    std::optional<std::int64_t> intercepts;    ///< that its VMM had to handle
};

/// A partition that the hypervisor has beside the root, as the root's kernel tells it.
struct HypervisorPartition {
    std::uint64_t id = 0;
    std::int64_t process = 0; ///< that made it; 0 = the kernel does not tell
    std::optional<std::int64_t> vps, guest_pages, deposited_pages, withdrawn_pages;
    std::optional<std::int64_t> held_pages; ///< of those deposited, by the hypervisor's own count
    std::vector<HypervisorVp> processors;   ///< in order; none where the kernel does not list them
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

/// Reads what there is below `root`/sys/kernel/debug/mshv: `partitions` and `processors` of Linux
/// 6.12 with the series, or partition/ID/ of Linux 7.2. Text that is not understood is left out,
/// never trusted.
HypervisorPartitions read_partitions(const std::string& root = {});

/// The text of the series' file; empty for one that does not begin as it does.
std::optional<std::vector<HypervisorPartition>> parse_partitions(std::string_view text);

/// Adds to the partitions, which are in order of their ids, what the text of the series' other file
/// says of their processors.
void parse_processors(std::string_view text, std::vector<HypervisorPartition>& partitions);

} // namespace mshv::hostprobe
