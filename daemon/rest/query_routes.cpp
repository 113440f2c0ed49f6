// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

#include <chrono>

namespace mshv::rest {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds default_wait{60'000};
constexpr milliseconds vcpu_time{2'000};
constexpr std::size_t most_rows = 10'000;
constexpr std::size_t usual_rows = 1'000;

std::vector<api::State> states_of(std::string_view words) {
    std::vector<api::State> states;
    while (!words.empty()) {
        const auto comma = words.find(',');
        const std::string_view word = words.substr(0, comma);
        words = comma == std::string_view::npos ? "" : words.substr(comma + 1);
        const auto state = api::from_name<api::State>(word);
        if (!state) {
            throw api::Error(api::ErrorCode::usage,
                             "'" + std::string(word) + "' is not a state of partitions");
        }
        states.push_back(*state);
    }
    if (states.empty()) {
        throw api::Error(api::ErrorCode::usage, "query key 'state' is missing",
                         "give one or more states, separated by commas");
    }
    return states;
}

/// A whole UUID stands for itself, so that what is gone can still be asked for.
api::Uuid uuid_of(Call& call, const std::string& text) {
    const auto selector = api::Selector::parse(text);
    if (selector.kind == api::Selector::Kind::any || selector.kind == api::Selector::Kind::uuid) {
        if (const auto uuid = api::parse_uuid(selector.text)) {
            return *uuid;
        }
    }
    return call.service.get(selector).uuid;
}

} // namespace

http::Answer get_version(Call& call) {
    call.query.done();
    return json_of(call.options.version);
}

http::Answer get_host(Call& call) {
    call.query.done();
    return json_of(call.options.host());
}

http::Answer list_partitions(Call& call) {
    const bool all = call.query.flag("all");
    call.query.done();
    return json_response(call.service.list_json(all));
}

http::Answer get_partition(Call& call) {
    call.query.done();
    return json_of(call.service.get(call.selector()));
}

http::Answer get_vcpus(Call& call) {
    call.query.done();
    return json_of(
        api::VcpuList{call.service.vcpus(call.selector(), posix::Deadline::after(vcpu_time))});
}

http::Answer list_claims(Call& call) {
    call.query.done();
    return json_of(call.service.claims());
}

http::Answer wait_partition(Call& call) {
    const auto states = states_of(call.query.text("state").value_or(""));
    const auto time = call.query.span("timeout_ms").value_or(default_wait);
    call.query.done();
    return json_of(call.service.wait_state(call.selector(), states, posix::Deadline::after(time)));
}

http::Answer get_events(Call& call) {
    constexpr auto largest = static_cast<std::uint64_t>(INT64_MAX);
    const auto since = call.query.number("since", 0, largest).value_or(0);
    const auto limit = call.query.number("limit", 1, most_rows).value_or(usual_rows);
    const auto wait = call.query.span("wait_ms").value_or(milliseconds(0));
    const auto partition = call.query.text("partition");
    call.query.done();
    std::optional<api::Uuid> uuid;
    if (partition) {
        uuid = uuid_of(call, *partition);
    }
    return json_of(call.service.events(static_cast<std::int64_t>(since), limit, uuid,
                                       posix::Deadline::after(wait)));
}

http::Answer get_history(Call& call) {
    const auto limit = call.query.number("limit", 1, most_rows).value_or(usual_rows);
    auto partition = call.query.text("partition");
    call.query.done();
    if (partition) {
        // Rows of removed partitions are found by name; a number only selects what exists.
        const auto selector = api::Selector::parse(*partition);
        const bool digits = selector.text.find_first_not_of("0123456789") == std::string::npos;
        const bool number = selector.kind == api::Selector::Kind::number ||
                            (selector.kind == api::Selector::Kind::any && digits);
        partition = number ? api::to_string(call.service.get(selector).uuid) : selector.text;
    }
    return json_of(api::HistoryList{call.service.history(partition, limit)});
}

} // namespace mshv::rest
