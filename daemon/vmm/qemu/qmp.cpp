// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/qmp.hpp"

#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace mshv::vmm::qemu {
namespace {

constexpr std::size_t longest_description = 2048;

[[noreturn]] void faulty(std::string_view why) {
    throw api::Error(api::ErrorCode::failed, "The VMM broke its protocol: " + std::string(why));
}

JsonValue parse(std::string_view line) {
    if (line.size() > longest_qmp_line) {
        faulty("a line is longer than " + std::to_string(longest_qmp_line) + " bytes");
    }
    auto value = JsonValue::parse(line, deepest_qmp_value);
    if (!value || !value->is_object()) {
        faulty("a line is not a JSON object, or nests too deeply");
    }
    int answers = 0;
    for (const auto* key : {"return", "error", "event", "QMP"}) {
        answers += value->find(key) != nullptr ? 1 : 0;
    }
    if (answers != 1) {
        faulty("a line is neither one answer nor one event");
    }
    return std::move(*value);
}

std::string description(const JsonValue& line) {
    const auto* desc = line.at({"error", "desc"});
    const auto text = desc == nullptr ? std::nullopt : desc->text();
    if (!text) {
        faulty("an error without a description");
    }
    return api::escape_terminal(text->substr(0, longest_description));
}

/// The value of "return"; throws the VMM's error. `line` must outlive what is returned.
const JsonValue& result(const JsonValue& line, std::string_view what) {
    if (line.find("error") != nullptr) {
        throw api::Error(api::ErrorCode::failed,
                         "The VMM refused to " + std::string(what) + ": " + description(line));
    }
    const auto* value = line.find("return");
    if (value == nullptr) {
        faulty("an answer was expected");
    }
    return *value;
}

/// A member that must be a whole number.
std::int64_t number_in(const JsonValue& object, std::string_view key, std::string_view what) {
    const auto* value = object.find(key);
    const auto number = value == nullptr ? std::nullopt : value->number();
    if (!number) {
        faulty(std::string(what) + " without the number " + std::string(key));
    }
    return *number;
}

const std::vector<JsonValue>& list_of(const JsonValue& value) {
    if (!value.is_list()) {
        faulty("a list was expected");
    }
    return value.items();
}

} // namespace

std::string qmp_command(std::string_view name) {
    return JsonObject().text("execute", name).str();
}

std::string qmp_command(std::string_view name, std::string_view arguments_json) {
    return R"({"execute":)" + json_quote(name) + R"(,"arguments":)" + std::string(arguments_json) +
           "}";
}

QmpLine classify_line(std::string_view line) {
    const auto value = parse(line);
    return value.find("QMP") != nullptr     ? QmpLine::greeting
           : value.find("event") != nullptr ? QmpLine::event
           : value.find("error") != nullptr ? QmpLine::error
                                            : QmpLine::success;
}

void expect_success(std::string_view line, std::string_view what) {
    const auto value = parse(line);
    (void)result(value, what);
}

std::vector<QmpCpu> parse_cpus(std::string_view line) {
    const auto value = parse(line);
    std::vector<QmpCpu> cpus;
    for (const auto& entry : list_of(result(value, "list its virtual processors"))) {
        constexpr std::int64_t most = 65535;
        const auto index = number_in(entry, "cpu-index", "a processor");
        if (index < 0 || index > most) {
            faulty("a processor with an impossible index");
        }
        cpus.push_back({static_cast<int>(index), number_in(entry, "thread-id", "a processor")});
    }
    return cpus;
}

bool parse_frontend_open(std::string_view line, std::string_view label) {
    const auto value = parse(line);
    for (const auto& entry : list_of(result(value, "list its channels"))) {
        if (text_at(entry, {"label"}) == label) {
            const auto* open = entry.find("frontend-open");
            return open != nullptr && open->boolean().value_or(false);
        }
    }
    return false;
}

std::vector<std::int64_t> parse_numbers(std::string_view line, std::string_view key) {
    const auto value = parse(line);
    std::vector<std::int64_t> numbers;
    for (const auto& entry : list_of(result(value, "tell what it has"))) {
        numbers.push_back(number_in(entry, key, "an entry"));
    }
    return numbers;
}

std::uint64_t parse_balloon(std::string_view line) {
    const auto value = parse(line);
    const auto bytes = number_in(result(value, "tell of its balloon"), "actual", "a balloon");
    if (bytes < 0) {
        faulty("a balloon without a size");
    }
    return static_cast<std::uint64_t>(bytes);
}

std::uint64_t parse_disk_size(std::string_view line, std::string_view node) {
    const auto value = parse(line);
    for (const auto& entry : list_of(result(value, "tell of its blocks"))) {
        if (text_at(entry, {"node-name"}) == node) {
            const auto* size = entry.at({"image", "virtual-size"});
            const auto bytes = size == nullptr ? std::nullopt : size->number();
            if (!bytes || *bytes < 0) {
                faulty("a block without a size");
            }
            return static_cast<std::uint64_t>(*bytes);
        }
    }
    throw api::Error(api::ErrorCode::failed, "The VMM has no block " + std::string(node));
}

QmpDrive parse_drive(std::string_view line, std::string_view id) {
    const auto value = parse(line);
    for (const auto& entry : list_of(result(value, "tell of its drives"))) {
        if (text_at(entry, {"qdev"}) != id) {
            continue;
        }
        const auto is = [&](std::string_view key) {
            const auto* flag = entry.find(key);
            return flag != nullptr && flag->boolean().value_or(false);
        };
        if (!is("removable")) {
            break;
        }
        return {text_at(entry, {"inserted", "node-name"}), is("tray_open"), is("locked")};
    }
    throw api::Error(api::ErrorCode::failed, "The VMM has no drive " + std::string(id));
}

Version parse_version(std::string_view line) {
    const auto value = parse(line);
    const auto* qemu = result(value, "tell its version").find("qemu");
    if (qemu == nullptr) {
        faulty("query-version gave no version");
    }
    const auto part = [&](std::string_view key) {
        const auto number = number_in(*qemu, key, "a version");
        if (number < 0 || number > 1'000'000) {
            faulty("query-version gave an impossible version");
        }
        return static_cast<int>(number);
    };
    return {part("major"), part("minor"), part("micro")};
}

std::set<std::string> parse_names(std::string_view line, std::string_view key,
                                  std::string_view alias_key) {
    const auto value = parse(line);
    std::set<std::string> names;
    for (const auto& entry : list_of(result(value, "tell what it can do"))) {
        std::string name = text_at(entry, {key});
        if (name.empty()) {
            faulty("a list entry without a name");
        }
        names.insert(std::move(name));
        if (std::string alias = alias_key.empty() ? "" : text_at(entry, {alias_key});
            !alias.empty()) {
            names.insert(std::move(alias));
        }
    }
    return names;
}

std::set<std::string> parse_idle_backends(std::string_view line) {
    const auto value = parse(line);
    const std::string text = result(value, "tell of its networks").text().value_or("");
    std::set<std::string> names;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        const std::string_view each = std::string_view(text).substr(at, end - at);
        at = end + 1;
        // "net1: index=0,type=user,net=10.0.2.0"; what a NIC has stands behind it: " \\ net0: …".
        const auto colon = each.find(": index=");
        if (colon == std::string_view::npos || colon == 0 || each.front() == ' ' ||
            each.find("type=nic", colon) != std::string_view::npos) {
            continue;
        }
        names.insert(std::string(each.substr(0, colon)));
    }
    return names;
}

std::string error_text(std::string_view line) {
    const auto value = parse(line);
    return value.find("error") != nullptr ? description(value) : std::string();
}

} // namespace mshv::vmm::qemu
