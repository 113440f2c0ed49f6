// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/output/as_xl.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace mshv::ctl {
namespace {

// Of those that are about the host. What Xen alone has, from xen_major on, nothing here could fill.
constexpr std::array<std::string_view, 13> keys{
    "host",         "release",     "version",           "machine",          "nr_cpus",
    "max_cpu_id",   "nr_nodes",    "cores_per_socket",  "threads_per_core", "cpu_mhz",
    "total_memory", "free_memory", "outstanding_claims"};

} // namespace

bool as_xl(std::string_view format) {
    if (!format.empty()) {
        return format == "xl";
    }
    const char* compat = std::getenv("MSHVCTL_COMPAT"); // NOLINT(concurrency-mt-unsafe): never set
    return compat != nullptr && std::string_view(compat) == "xl";
}

bool is_key_of_xl(std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

} // namespace mshv::ctl
