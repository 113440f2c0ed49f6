// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace mshv::ctl {

/// One partition, as far as its place in the order is concerned.
struct Ordered {
    std::string name;
    api::Autostart autostart;
};

/// The places of `all` in groups: the first group goes down first. It is autostart's order turned
/// round, by `order` and by what starts after another, whether they are marked for autostart or
/// not. Those of one group depend on none of the same. Who waits for another in a circle goes by
/// `order` alone.
std::vector<std::vector<std::size_t>> shutdown_order(const std::vector<Ordered>& all);

} // namespace mshv::ctl
