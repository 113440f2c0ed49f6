// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/settings.hpp"

#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "daemon/vmm/qemu/qmp.hpp"

#include <utility>

namespace mshv::vmm::qemu {
namespace {

constexpr std::string_view command_name = "balloon";

bool asks_balloon(const std::string& line) {
    const auto command = JsonValue::parse(line);
    return command && text_at(*command, {"execute"}) == command_name;
}

} // namespace

std::string balloon_command(std::uint64_t target) {
    return qmp_command(command_name, JsonObject().number("value", target).str());
}

std::optional<std::uint64_t> balloon_of(const MakeUp& now) {
    for (const auto& line : now.setup) {
        if (!asks_balloon(line)) {
            continue;
        }
        const auto command = JsonValue::parse(line);
        const auto* value = command->at({"arguments", "value"});
        const auto bytes = value == nullptr ? std::nullopt : value->number();
        if (bytes && *bytes >= 0) {
            return static_cast<std::uint64_t>(*bytes);
        }
    }
    return std::nullopt;
}

MakeUp with_balloon(const MakeUp& now, std::optional<std::uint64_t> target) {
    MakeUp next = now;
    std::erase_if(next.setup, asks_balloon);
    if (target) {
        next.setup.push_back(balloon_command(*target));
    }
    return next;
}

void change_settings(domain::LaunchPlan& plan, const api::PartitionSpec& live) {
    MakeUp now;
    now.argv = plan.argv;
    now.setup = std::move(plan.setup);
    plan.setup =
        has_device(now, balloon_alias) ? with_balloon(now, live.memory.target()).setup : now.setup;
}

} // namespace mshv::vmm::qemu
