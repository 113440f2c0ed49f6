// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/ladder.hpp"

#include "toolstack/libs/api/error.hpp"

#include <array>

namespace mshv::ctl::verbs {
namespace {

constexpr std::array<std::string_view, 2> method_names{"agent", "acpi"};

} // namespace

void Ladder::declare(Arguments& arguments) {
    Option method;
    method.names = {"--method"};
    method.value = "METHOD";
    method.help = "how the guest is asked, several in the order of trying: agent, acpi";
    method.kind = ValueKind::choice;
    method.choices.assign(method_names.begin(), method_names.end());
    method.repeatable = true;
    method.store = [this](std::string_view words) {
        for (;;) {
            const auto comma = words.find(',');
            require_choice(words.substr(0, comma), method_names, "--method");
            methods_.emplace_back(words.substr(0, comma));
            if (comma == std::string_view::npos) {
                return;
            }
            words.remove_prefix(comma + 1);
        }
    };
    arguments.custom(std::move(method));
    arguments.flag("-F,--force-acpi", "the same as --method acpi, as in xl", acpi_);
    arguments.choice("--escalate", "HOW", "what happens when the guest does not obey in time",
                     {"destroy", "none"}, escalate_);
}

api::ShutdownRequest Ladder::request(const Globals& globals) const {
    api::ShutdownRequest request;
    for (const auto& name : methods_) {
        if (const auto method = api::from_name<api::ShutdownMethod>(name)) {
            request.methods.push_back(*method);
        }
    }
    if (acpi_) {
        request.methods = {api::ShutdownMethod::acpi};
    }
    if (globals.timeout) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(*globals.timeout);
        request.timeout_s = static_cast<unsigned>(seconds.count());
    }
    request.escalate = api::from_name<api::Escalate>(escalate_);
    return request;
}

std::chrono::milliseconds Ladder::timeout(Context& context, const api::Selector& selector) const {
    if (const auto& limit = context.globals().timeout) {
        return *limit;
    }
    try {
        const auto stored = context.client().definition(selector, context.read_deadline());
        return std::chrono::seconds(stored.spec.shutdown.timeout_s);
    } catch (const api::Error& error) {
        if (error.code() != api::ErrorCode::not_found) {
            throw;
        }
        return {}; // a transient that has ended already: nothing to wait for
    }
}

} // namespace mshv::ctl::verbs
