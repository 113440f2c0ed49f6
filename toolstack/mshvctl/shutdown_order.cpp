// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/shutdown_order.hpp"

#include <algorithm>
#include <set>

namespace mshv::ctl {

std::vector<std::vector<std::size_t>> shutdown_order(const std::vector<Ordered>& all) {
    std::set<std::string> down; ///< as if the host came up: not started yet
    std::vector<std::size_t> pending;
    for (std::size_t i = 0; i < all.size(); ++i) {
        down.insert(all[i].name);
        pending.push_back(i);
    }
    const auto waits = [&](std::size_t i) {
        const auto& after = all[i].autostart.after;
        return std::any_of(after.begin(), after.end(), [&](const api::AutostartAfter& each) {
            return each.state != api::AfterState::stopped && down.contains(each.partition);
        });
    };
    std::vector<std::vector<std::size_t>> groups;
    while (!pending.empty()) {
        std::vector<std::size_t> ready;
        std::copy_if(pending.begin(), pending.end(), std::back_inserter(ready),
                     [&](std::size_t i) { return !waits(i); });
        if (ready.empty()) {
            ready = pending; // a circle: autostart would not wait for ever either
        }
        const auto order = [&](std::size_t i) { return all[i].autostart.order; };
        const auto first =
            *std::min_element(ready.begin(), ready.end(),
                              [&](std::size_t a, std::size_t b) { return order(a) < order(b); });
        std::erase_if(ready, [&](std::size_t i) { return order(i) != order(first); });
        for (const std::size_t i : ready) {
            std::erase(pending, i);
            down.erase(all[i].name);
        }
        groups.push_back(std::move(ready));
    }
    std::reverse(groups.begin(), groups.end());
    return groups;
}

} // namespace mshv::ctl
