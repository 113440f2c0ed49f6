// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/settings.hpp"

#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "daemon/vmm/qemu/vcpus.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/io_limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace mshv::vmm::qemu {
namespace {

constexpr std::string_view command_name = "balloon";
constexpr std::string_view limits_name = "block_set_io_throttle";

/// A limit's words in QMP; the burst and its length have "_max" and "_max_length" behind them.
constexpr std::array<std::pair<std::string_view, std::optional<api::IoLimit> api::IoTune::*>, 6>
    qmp_limits{{{"bps", &api::IoTune::total_bytes},
                {"bps_rd", &api::IoTune::read_bytes},
                {"bps_wr", &api::IoTune::write_bytes},
                {"iops", &api::IoTune::total_iops},
                {"iops_rd", &api::IoTune::read_iops},
                {"iops_wr", &api::IoTune::write_iops}}};

constexpr std::string_view max_suffix = "_max";
constexpr std::string_view length_suffix = "_max_length";

std::string with_suffix(std::string_view name, std::string_view suffix) {
    return std::string(name) + std::string(suffix);
}

bool asks_balloon(const std::string& line) {
    const auto command = JsonValue::parse(line);
    return command && text_at(*command, {"execute"}) == command_name;
}

constexpr std::string_view peripheral = "/machine/peripheral/";
constexpr std::string_view backend = "/virtio-backend";

/// The alias of the device whose limits the line sets; empty for another line.
std::string limited_by(const std::string& line) {
    const auto command = JsonValue::parse(line);
    if (!command || text_at(*command, {"execute"}) != limits_name) {
        return {};
    }
    std::string id = text_at(*command, {"arguments", "id"});
    if (!id.starts_with(peripheral) || !id.ends_with(backend)) {
        return id;
    }
    return id.substr(peripheral.size(), id.size() - peripheral.size() - backend.size());
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

std::string limited_id(std::string_view driver, const std::string& alias) {
    const bool inside = driver.starts_with("virtio-") && driver.ends_with("-pci");
    return inside ? std::string(peripheral) + alias + std::string(backend) : alias;
}

std::string limits_command(const std::string& id, const std::optional<api::IoTune>& tune) {
    JsonObject arguments;
    arguments.text("id", id);
    for (const auto& [name, member] : qmp_limits) {
        const api::IoLimit limit =
            tune ? ((*tune).*member).value_or(api::IoLimit{}) : api::IoLimit{};
        arguments.number(name, limit.per_second);
        if (limit.max != 0) {
            arguments.number(with_suffix(name, max_suffix), limit.max);
        }
        if (limit.max_length != 0) {
            arguments.number(with_suffix(name, length_suffix), limit.max_length);
        }
    }
    return qmp_command(limits_name, arguments.str());
}

std::map<std::string, api::IoTune> limits_of(const MakeUp& now) {
    std::map<std::string, api::IoTune> limits;
    for (const auto& line : now.setup) {
        const auto alias = limited_by(line);
        if (alias.empty()) {
            continue;
        }
        const auto command = JsonValue::parse(line);
        std::optional<api::IoTune> tune(std::in_place);
        for (const auto& [name, member] : qmp_limits) {
            const auto number = [&](const std::string& key) -> std::uint64_t {
                const auto* value = command->at({"arguments", key});
                const auto found = value == nullptr ? std::nullopt : value->number();
                return found && *found > 0 ? static_cast<std::uint64_t>(*found) : 0;
            };
            (*tune).*member =
                api::IoLimit{number(std::string(name)), number(with_suffix(name, max_suffix)),
                             number(with_suffix(name, length_suffix))};
        }
        api::normalise(tune);
        if (tune) {
            limits[alias] = *tune;
        }
    }
    return limits;
}

void drop_limits(std::vector<std::string>& setup, std::string_view alias) {
    std::erase_if(setup, [&](const std::string& line) { return limited_by(line) == alias; });
}

MakeUp with_limits(const MakeUp& now, const std::string& alias,
                   const std::optional<api::IoTune>& tune) {
    MakeUp next = now;
    drop_limits(next.setup, alias);
    if (tune) {
        next.setup.push_back(limits_command(limited_id(driver_of(now, alias), alias), tune));
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
    plan.argv = with_vcpus(std::move(plan.argv), live.cpu.current);
    for (const auto& disk : live.devices.disks) {
        if (has_device(now, disk.alias)) {
            now.setup = std::move(plan.setup);
            plan.setup = with_limits(now, disk.alias, disk.iotune).setup;
        }
    }
}

} // namespace mshv::vmm::qemu
