// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/migration.hpp"

#include "daemon/vmm/qemu/json_value.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"

#include <algorithm>
#include <array>

namespace mshv::vmm::qemu {
namespace {

constexpr std::size_t longest_reason = 1024;

JsonValue answer_of(std::string_view line, std::string_view what) {
    expect_success(line, what);
    auto value = JsonValue::parse(line, deepest_qmp_value);
    const auto* answer = value ? value->find("return") : nullptr;
    if (answer == nullptr) {
        throw api::Error(api::ErrorCode::failed,
                         "The VMM broke its protocol: no answer to " + std::string(what));
    }
    return *answer;
}

std::string bounded(const std::string& text) {
    return api::escape_terminal(text.substr(0, longest_reason));
}

std::int64_t number_at(const JsonValue& value, std::initializer_list<std::string_view> path) {
    const auto* found = value.at(path);
    return found == nullptr ? 0 : std::max<std::int64_t>(found->number().value_or(0), 0);
}

Transfer::State state_of(std::string_view status) {
    if (status.empty() || status == "none") {
        return Transfer::State::none;
    }
    if (status == "completed") {
        return Transfer::State::completed;
    }
    if (status == "failed") {
        return Transfer::State::failed;
    }
    return status == "cancelled" ? Transfer::State::cancelled : Transfer::State::active;
}

} // namespace

Transfer parse_transfer(std::string_view line) {
    const JsonValue answer = answer_of(line, "tell how the transfer of its state goes");
    Transfer transfer;
    transfer.state = state_of(text_at(answer, {"status"}));
    transfer.total = number_at(answer, {"ram", "total"});
    transfer.done =
        std::max<std::int64_t>(transfer.total - number_at(answer, {"ram", "remaining"}), 0);
    transfer.passes = number_at(answer, {"ram", "dirty-sync-count"});
    transfer.why = bounded(text_at(answer, {"error-desc"}));
    return transfer;
}

Transfer parse_dump(std::string_view line) {
    const JsonValue answer = answer_of(line, "tell how far the dump is");
    Transfer transfer;
    transfer.state = state_of(text_at(answer, {"status"}));
    transfer.done = number_at(answer, {"completed"});
    transfer.total = number_at(answer, {"total"});
    return transfer;
}

std::vector<std::string> parse_dump_formats(std::string_view line) {
    const JsonValue answer = answer_of(line, "tell how memory can be dumped");
    std::vector<std::string> formats;
    if (const auto* list = answer.find("formats")) {
        for (const auto& format : list->items()) {
            formats.push_back(bounded(format.text().value_or("")));
        }
    }
    return formats;
}

std::string parse_blockers(std::string_view line) {
    const JsonValue answer = answer_of(line, "tell what is in the way of its state");
    std::string why;
    if (const auto* reasons = answer.find("blocked-reasons")) {
        for (const auto& reason : reasons->items()) {
            why += (why.empty() ? "" : "; ") + reason.text().value_or("?");
        }
    }
    return bounded(why);
}

std::string parse_machine(std::string_view line) {
    constexpr std::string_view suffix = "-machine";
    const JsonValue answer = answer_of(line, "tell its machine type");
    std::string type = answer.text().value_or("");
    if (!type.ends_with(suffix) || type.size() > 128) {
        throw api::Error(api::ErrorCode::failed, "The VMM broke its protocol: no machine type");
    }
    type.resize(type.size() - suffix.size());
    return type;
}

std::int64_t parse_fdset(std::string_view line) {
    const JsonValue answer = answer_of(line, "take a descriptor");
    return number_at(answer, {"fdset-id"});
}

std::string guest_visible(std::string option) {
    constexpr std::array<std::string_view, 2> keys{R"(,"netdev":")", R"(,"drive":")"};
    for (const auto key : keys) {
        if (const auto at = option.find(key); at != std::string::npos) {
            option.erase(at, option.find('"', at + key.size()) + 1 - at);
        }
    }
    return option;
}

std::vector<std::string> guest_visible(const std::vector<std::string>& argv) {
    constexpr std::array<std::string_view, 7> options{"-machine", "-accel",  "-cpu",   "-smp",
                                                      "-m",       "-device", "-smbios"};
    std::vector<std::string> visible;
    for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
        if (std::find(options.begin(), options.end(), argv[i]) != options.end()) {
            visible.push_back(guest_visible(argv[i] + ' ' + argv[i + 1]));
            ++i;
        }
    }
    return visible;
}

void refuse_foreign(const std::string& saved_by, const std::string& machine,
                    const Capabilities& capabilities, const std::string& cpu) {
    constexpr std::string_view prefix = "qemu ";
    const std::string here = "QEMU " + capabilities.version.to_string();
    const auto version = saved_by.starts_with(prefix)
                             ? Version::parse(saved_by.substr(prefix.size()))
                             : std::nullopt;
    const auto refuse = [](const std::string& why, const std::string& hint) {
        throw api::Error(api::ErrorCode::unsupported, why, hint);
    };
    if (!version) {
        refuse("It was saved by '" + saved_by + "', which is no QEMU", "");
        return;
    }
    if (capabilities.version < *version) {
        refuse("It was saved by QEMU " + version->to_string() + ", and here is " + here,
               "install QEMU " + version->to_string() + " or later");
    }
    if (!capabilities.machines.contains(machine)) {
        refuse("It was saved on the machine type '" + machine + "', which " + here + " lacks", "");
    }
    // These two models are whatever the version at hand can do.
    const bool floating = cpu.starts_with("max") || cpu.starts_with("host");
    const bool same = version->major == capabilities.version.major &&
                      version->minor == capabilities.version.minor;
    if (floating && !same) {
        refuse("Its CPU model is '" + cpu + "' of QEMU " + version->to_string() + ", and that of " +
                   here + " is another",
               "define a CPU model by name for guests that outlive a QEMU");
    }
}

} // namespace mshv::vmm::qemu
