// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/vcpus.hpp"

#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mshv::vmm::qemu {
namespace {

/// From the outermost to the innermost: so their numbers are in the order of the processors'.
constexpr std::array<std::string_view, 9> place_keys{"node-id",   "drawer-id", "book-id",
                                                     "socket-id", "die-id",    "cluster-id",
                                                     "module-id", "core-id",   "thread-id"};

constexpr std::string_view peripheral = "/machine/peripheral/";
constexpr std::string_view unattached = "/machine/unattached/device[";
constexpr std::string_view id_prefix = "vcpu";
constexpr std::string_view count_key = "cpus=";

[[noreturn]] void faulty(const std::string& what) {
    throw api::Error(api::ErrorCode::failed, "The VMM broke its protocol: " + what);
}

CpuSlot slot_of(const JsonValue& entry) {
    CpuSlot slot{text_at(entry, {"type"}), {}, text_at(entry, {"qom-path"})};
    const auto* props = entry.find("props");
    if (slot.type.empty() || props == nullptr) {
        faulty("a place for a processor without a type");
    }
    for (const auto key : place_keys) {
        const auto* value = props->find(key);
        const auto number = value == nullptr ? std::nullopt : value->number();
        if (number && *number >= 0) {
            slot.place.emplace_back(key, static_cast<std::uint64_t>(*number));
        }
    }
    return slot;
}

bool is_number(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The value of -smp.
auto smp_in(auto& argv) {
    const auto option = std::find(argv.begin(), argv.end(), "-smp");
    return option == argv.end() ? option : option + 1;
}

} // namespace

std::vector<CpuSlot> parse_cpu_slots(std::string_view line) {
    expect_success(line, "tell where processors can be");
    const auto answer = JsonValue::parse(line);
    const auto* list = answer ? answer->find("return") : nullptr;
    if (list == nullptr || !list->is_list() || list->items().empty()) {
        faulty("no places for processors");
    }
    std::vector<CpuSlot> slots;
    for (const auto& entry : list->items()) {
        slots.push_back(slot_of(entry));
    }
    // Where there is NUMA a node's number says nothing of the order.
    const auto order = [](const CpuSlot& slot) {
        std::vector<std::uint64_t> numbers;
        for (const auto& [key, number] : slot.place) {
            if (key != place_keys.front()) {
                numbers.push_back(number);
            }
        }
        return numbers;
    };
    std::stable_sort(slots.begin(), slots.end(), [&](const CpuSlot& one, const CpuSlot& other) {
        return order(one) < order(other);
    });
    return slots;
}

bool in_order(const std::vector<CpuSlot>& slots) {
    return std::is_sorted(slots.begin(), slots.end(), [](const CpuSlot& one, const CpuSlot& other) {
        return !one.path.empty() && other.path.empty();
    });
}

unsigned present_in(const std::vector<CpuSlot>& slots) {
    return static_cast<unsigned>(std::count_if(
        slots.begin(), slots.end(), [](const CpuSlot& slot) { return !slot.path.empty(); }));
}

std::string plug_command(const CpuSlot& slot, unsigned index) {
    JsonObject arguments;
    arguments.text("driver", slot.type).text("id", std::string(id_prefix) + std::to_string(index));
    for (const auto& [key, number] : slot.place) {
        arguments.number(key, number);
    }
    return qmp_command("device_add", arguments.str());
}

std::string unplug_name(const CpuSlot& slot) {
    return slot.path.starts_with(peripheral) ? slot.path.substr(peripheral.size()) : slot.path;
}

bool is_vcpu_name(std::string_view name) {
    if (name.starts_with(unattached) && name.ends_with(']')) {
        return true;
    }
    return name.starts_with(id_prefix) && is_number(name.substr(id_prefix.size()));
}

unsigned vcpus_of(const std::vector<std::string>& argv) {
    const auto smp = smp_in(argv);
    unsigned count = 0;
    if (smp != argv.end() && smp->starts_with(count_key)) {
        std::from_chars(smp->data() + count_key.size(), smp->data() + smp->size(), count);
    }
    return count;
}

std::vector<std::string> with_vcpus(std::vector<std::string> argv, unsigned count) {
    const auto smp = smp_in(argv);
    if (smp != argv.end() && smp->starts_with(count_key)) {
        const auto rest = std::min(smp->find(','), smp->size());
        *smp = std::string(count_key) + std::to_string(count) + smp->substr(rest);
    }
    return argv;
}

} // namespace mshv::vmm::qemu
