// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <cstddef>
#include <vector>

namespace mshv::domain {

// The bounds of a definition. The client's parser refuses more than this with a line and column;
// the daemon checks again because it believes no client.
inline constexpr std::uint64_t mebibyte = 1024 * 1024;
inline constexpr std::uint64_t max_memory = 64ULL * 1024 * 1024 * mebibyte; ///< 64 TiB
inline constexpr unsigned max_vcpus = 2048;
inline constexpr std::size_t max_disks = 64;
inline constexpr std::size_t max_nics = 32;
inline constexpr std::size_t max_backing = 16;
inline constexpr std::size_t max_labels = 64;
inline constexpr std::size_t max_path = 4095;

/// Every fault of `spec` by itself, each with its JSON path; empty = it may be stored. `spec` is
/// canonical (canonicalise.hpp).
std::vector<api::Problem> validate(const api::PartitionSpec& spec);

} // namespace mshv::domain
