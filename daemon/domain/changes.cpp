// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/changes.hpp"

#include "toolstack/libs/api/differences.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace mshv::domain {
namespace {

/// What the daemon or the keeper looks up whenever it is needed. All else is in the VMM's command.
constexpr std::array<std::string_view, 15> live{
    "/name",      "/title",     "/description", "/metadata",       "/labels",
    "/on_crash",  "/on_reboot", "/on_poweroff", "/protect_delete", "/protect_destroy",
    "/autostart", "/restart",   "/shutdown",    "/host_shutdown",  "/reserve",
};

bool is_below(std::string_view path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

api::Takes judge(std::string_view path) {
    if (path == "/uuid") {
        return api::Takes::recreate;
    }
    const bool at_once = std::any_of(
        live.begin(), live.end(), [&](std::string_view folder) { return is_below(path, folder); });
    return at_once ? api::Takes::live : api::Takes::next_start;
}

} // namespace

std::vector<api::SpecChange> changes(const api::PartitionSpec& before,
                                     const api::PartitionSpec& after) {
    auto found = api::differences(before, after);
    for (auto& change : found) {
        change.takes = judge(change.path);
    }
    return found;
}

bool needs_start(const std::vector<api::SpecChange>& changes) {
    return std::any_of(changes.begin(), changes.end(), [](const api::SpecChange& change) {
        return change.takes != api::Takes::live;
    });
}

void inherit(api::PartitionSpec& spec, const api::PartitionSpec& before) {
    spec.uuid = spec.uuid ? spec.uuid : before.uuid;
    auto& nics = spec.devices.nics;
    for (std::size_t i = 0; i < std::min(nics.size(), before.devices.nics.size()); ++i) {
        if (nics[i].mac.empty()) {
            nics[i].mac = before.devices.nics[i].mac;
        }
    }
}

} // namespace mshv::domain
