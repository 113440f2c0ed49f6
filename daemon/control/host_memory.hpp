// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mshv::control {

/// Bytes.
struct HostMemory {
    std::uint64_t total = 0;
    std::uint64_t available = 0; ///< what could be had without swapping, by the kernel's estimate
    std::uint64_t huge_page = 0; ///< the default one; 0 = there is none
};

/// By `proc`'s meminfo; empty where that does not say.
std::optional<HostMemory> host_memory(const std::string& proc);

/// How many huge pages of `size` bytes nobody has or was promised, by `sys`; empty where the kernel
/// has none of that size.
std::optional<std::uint64_t> free_huge_pages(const std::string& sys, std::uint64_t size);

} // namespace mshv::control
