// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::api {

/// Processors of the host by their numbers, in order and each once.
using CpuSet = std::vector<unsigned>;

/// The highest number that one may have: no Linux has more.
inline constexpr unsigned highest_cpu = 8191;

/// The processors of a NUMA node; empty where there is no such node.
using CpusOfNode = std::function<std::optional<CpuSet>(unsigned node)>;

/// "0-3,7", "0-7,^2": what a ^ stands before is taken out of what came before it. With `of_node`
/// also "node:0" and "nodes:0-1". Empty for any other text, and for a set with nothing in it.
std::optional<CpuSet> parse_cpu_set(std::string_view text, const CpusOfNode& of_node = {});

/// "0-3,7".
std::string format_cpu_set(const CpuSet& cpus);

} // namespace mshv::api
