// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/settings.hpp"

#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "daemon/vmm/qemu/qmp.hpp"

#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <charconv>
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

std::string affinity_of(const api::Cpu& cpu) {
    std::string text;
    for (const auto& pin : cpu.pins) {
        text += (text.empty() ? "" : " ") + std::to_string(pin.vcpu) + ":" + pin.cpus;
    }
    if (!cpu.emulator_cpus.empty()) {
        text += (text.empty() ? "" : " ") + ("emulator:" + cpu.emulator_cpus);
    }
    return text;
}

void read_affinity(std::string_view text, api::Cpu& cpu) {
    cpu.pins.clear();
    cpu.emulator_cpus.clear();
    while (!text.empty()) {
        const auto piece = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(piece.size() + 1, text.size()));
        const auto colon = std::min(piece.find(':'), piece.size());
        const auto who = piece.substr(0, colon);
        const std::string cpus(piece.substr(std::min(colon + 1, piece.size())));
        unsigned vcpu = 0;
        const auto [end, error] = std::from_chars(who.data(), who.data() + who.size(), vcpu);
        if (who == "emulator") {
            cpu.emulator_cpus = cpus;
        } else if (error == std::errc{} && end == who.data() + who.size()) {
            cpu.pins.push_back({vcpu, cpus});
        } else {
            throw api::Error(api::ErrorCode::failed, "The keeper's answer is malformed");
        }
    }
}

void change_settings(domain::LaunchPlan& plan, const api::PartitionSpec& live) {
    MakeUp now;
    now.argv = plan.argv;
    now.setup = std::move(plan.setup);
    plan.setup =
        has_device(now, balloon_alias) ? with_balloon(now, live.memory.target()).setup : now.setup;
    plan.affinity = affinity_of(live.cpu);
}

} // namespace mshv::vmm::qemu
