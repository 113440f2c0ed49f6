// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::hostprobe {

/// A logical processor that is online.
struct ProcessorPlace {
    unsigned cpu = 0;
    unsigned core = 0;   ///< within the socket
    unsigned socket = 0; ///< physical package
    std::optional<unsigned> node;
};

/// A NUMA node; a kernel without NUMA has none.
struct NodeFacts {
    unsigned node = 0;
    std::uint64_t memory_total = 0, memory_free = 0; ///< bytes
    std::vector<unsigned> distances;                 ///< to each node, in the order of nodes
};

/// How processors and memory belong together.
struct Topology {
    std::vector<ProcessorPlace> processors; ///< in the order of numbers
    std::vector<NodeFacts> nodes;           ///< in the order of numbers
    /// The most that a socket, and a core, have: with processors offline they differ.
    unsigned cores_per_socket = 1, threads_per_core = 1;
};

/// From `devices`, which is Linux's /sys/devices/system or a copy of it. What cannot be read is not
/// there.
Topology read_topology(const std::string& devices = "/sys/devices/system");

} // namespace mshv::hostprobe
