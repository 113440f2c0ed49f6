// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/virsh_commands.hpp"

#include <algorithm>
#include <array>

namespace mshv::ctl {
namespace {

struct Row {
    std::string_view command, ours;
};

constexpr std::array table{
    Row{"guestinfo", "guest info"},     Row{"domhostname", "guest info"},
    Row{"domfsinfo", "guest info"},     Row{"domifaddr", "guest addresses"},
    Row{"domfsfreeze", "guest freeze"}, Row{"domfsthaw", "guest thaw"},
    Row{"dompmsuspend", "suspend"},     Row{"dompmwakeup", "resume"},
    Row{"domtime", "guest sync-time"},  Row{"qemu-agent-command", "guest exec"},
};

} // namespace

std::string_view virsh_counterpart(std::string_view command) {
    const auto* found = std::find_if(table.begin(), table.end(),
                                     [&](const Row& row) { return row.command == command; });
    return found == table.end() ? std::string_view() : found->ours;
}

} // namespace mshv::ctl
