// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/agent_replies.hpp"

#include "daemon/vmm/qemu/json.hpp"
#include "toolstack/libs/api/base64.hpp"
#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace mshv::vmm::qemu {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::size_t longest_text = 256;
constexpr std::size_t most_commands = 512;
constexpr std::size_t most_users = 256;
constexpr std::size_t most_filesystems = 256;
constexpr std::size_t most_interfaces = 128;
constexpr std::size_t most_addresses = 64;

/// Not longer than it may be, and not cut within a character.
std::string bounded(std::string text) {
    if (text.size() > longest_text) {
        std::size_t end = longest_text;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
            --end;
        }
        text.resize(end);
    }
    return text;
}

std::string text_of(const JsonValue& value, std::string_view key) {
    return bounded(text_at(value, {key}));
}

std::optional<std::uint64_t> bytes_of(const JsonValue& value, std::string_view key) {
    const auto* found = value.find(key);
    const auto number = found == nullptr ? std::nullopt : found->number();
    return number && *number >= 0 ? std::optional(static_cast<std::uint64_t>(*number))
                                  : std::nullopt;
}

template <typename Take>
void for_each(const JsonValue& list, std::size_t most, Take take) {
    const auto& items = list.items();
    for (std::size_t i = 0; list.is_list() && i < std::min(items.size(), most); ++i) {
        if (items[i].is_object()) {
            take(items[i]);
        }
    }
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool flag_of(const JsonValue& value, std::string_view key) {
    const auto* found = value.find(key);
    return found != nullptr && found->boolean().value_or(false);
}

/// What a program wrote; anything but base64 is no answer.
std::string output_of(const JsonValue& value, std::string_view key) {
    const auto* found = value.find(key);
    std::string text = found == nullptr ? "" : found->text().value_or("");
    if (!api::decode_base64(text)) {
        throw Error(ErrorCode::failed, "The guest agent's " + std::string(key) + " is malformed");
    }
    return text;
}

std::string list_of(const std::vector<std::string>& texts) {
    std::string list = "[";
    for (const auto& text : texts) {
        list += (list.size() > 1 ? "," : "") + json_quote(text);
    }
    return list + "]";
}

} // namespace

void read_agent_info(const JsonValue& reply, api::GuestInfo& info) {
    info.agent = text_of(reply, "version");
    const auto* commands = reply.find("supported_commands");
    if (commands == nullptr) {
        return;
    }
    for_each(*commands, most_commands, [&](const JsonValue& command) {
        std::string name = text_of(command, "name");
        if (!name.empty() && flag_of(command, "enabled")) {
            info.commands.push_back(std::move(name));
        }
    });
}

bool knows(const api::GuestInfo& info, std::string_view command) {
    return std::find(info.commands.begin(), info.commands.end(), command) != info.commands.end();
}

void read_hostname(const JsonValue& reply, api::GuestInfo& info) {
    info.hostname = text_of(reply, "host-name");
}

void read_os(const JsonValue& reply, api::GuestInfo& info) {
    info.os = text_of(reply, "pretty-name");
    if (info.os.empty()) {
        info.os = text_of(reply, "name");
    }
    info.kernel = text_of(reply, "kernel-release");
    info.machine = text_of(reply, "machine");
}

void read_timezone(const JsonValue& reply, api::GuestInfo& info) {
    info.timezone = text_of(reply, "zone");
    if (const auto* offset = reply.find("offset")) {
        info.timezone_offset_s = offset->number();
    }
}

void read_users(const JsonValue& reply, api::GuestInfo& info) {
    for_each(reply, most_users, [&](const JsonValue& user) {
        api::GuestUser read{text_of(user, "user"), text_of(user, "domain"), 0};
        // Seconds, with a fraction.
        constexpr double latest = 1e12;
        const auto* login = user.find("login-time");
        const double at = login == nullptr ? 0 : login->real().value_or(0);
        read.login_ms = at > 0 && at < latest ? static_cast<std::int64_t>(at * 1000) : 0;
        info.users.push_back(std::move(read));
    });
}

void read_filesystems(const JsonValue& reply, api::GuestInfo& info) {
    for_each(reply, most_filesystems, [&](const JsonValue& system) {
        info.filesystems.push_back({text_of(system, "mountpoint"), text_of(system, "name"),
                                    text_of(system, "type"), bytes_of(system, "used-bytes"),
                                    bytes_of(system, "total-bytes")});
    });
}

api::GuestAddresses read_interfaces(const JsonValue& reply) {
    api::GuestAddresses result;
    for_each(reply, most_interfaces, [&](const JsonValue& item) {
        api::GuestInterface found;
        found.name = text_of(item, "name");
        found.mac = lower(text_of(item, "hardware-address"));
        if (const auto* addresses = item.find("ip-addresses")) {
            for_each(*addresses, most_addresses, [&](const JsonValue& address) {
                api::GuestAddress one;
                one.address = text_of(address, "ip-address");
                if (const auto* prefix = address.find("prefix")) {
                    one.prefix = prefix->number();
                }
                if (!one.address.empty()) {
                    found.addresses.push_back(std::move(one));
                }
            });
        }
        result.interfaces.push_back(std::move(found));
    });
    return result;
}

std::string exec_arguments(const api::GuestExecRequest& request) {
    std::string text = R"({"path":)" + json_quote(request.program) + R"(,"capture-output":true)";
    if (!request.arguments.empty()) {
        text += R"(,"arg":)" + list_of(request.arguments);
    }
    if (!request.environment.empty()) {
        text += R"(,"env":)" + list_of(request.environment);
    }
    if (!request.input_base64.empty()) {
        text += R"(,"input-data":)" + json_quote(request.input_base64);
    }
    return text + "}";
}

std::int64_t read_pid(const JsonValue& reply) {
    const auto* pid = reply.find("pid");
    const auto number = pid == nullptr ? std::nullopt : pid->number();
    if (!number) {
        throw Error(ErrorCode::failed, "The guest agent did not say what it has started");
    }
    return *number;
}

api::GuestExecStatus read_exec_status(const JsonValue& reply) {
    const auto* exited = reply.find("exited");
    if (exited == nullptr || !exited->boolean()) {
        throw Error(ErrorCode::failed, "The guest agent did not say whether the program has ended");
    }
    api::GuestExecStatus status;
    status.exited = *exited->boolean();
    const auto number = [&](std::string_view key) {
        const auto* found = reply.find(key);
        return found == nullptr ? std::nullopt : found->number();
    };
    status.exit_code = number("exitcode");
    status.signal = number("signal");
    status.out_base64 = output_of(reply, "out-data");
    status.err_base64 = output_of(reply, "err-data");
    status.out_truncated = flag_of(reply, "out-truncated");
    status.err_truncated = flag_of(reply, "err-truncated");
    return status;
}

std::vector<GuestVcpu> read_vcpus(const JsonValue& reply) {
    constexpr std::size_t most_vcpus = 4096;
    std::vector<GuestVcpu> vcpus;
    for_each(reply, most_vcpus, [&](const JsonValue& item) {
        const auto* id = item.find("logical-id");
        const auto number = id == nullptr ? std::nullopt : id->number();
        if (number) {
            vcpus.push_back({*number, flag_of(item, "online"), flag_of(item, "can-offline")});
        }
    });
    return vcpus;
}

std::string vcpu_arguments(const std::vector<GuestVcpu>& vcpus) {
    std::string text;
    for (const auto& vcpu : vcpus) {
        text += (text.empty() ? "" : ",") + (R"({"logical-id":)" + std::to_string(vcpu.id)) +
                R"(,"online":)" + (vcpu.online ? "true}" : "false}");
    }
    return R"({"vcpus":[)" + text + "]}";
}

} // namespace mshv::vmm::qemu
