// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

#include <algorithm>
#include <chrono>
#include <sys/stat.h>

namespace mshv::rest {
namespace {

constexpr std::string_view protocol = "mshv-console/1";
constexpr std::chrono::seconds attach_time{10};

/// Is `word` one of the comma-separated words of `list`? Both are compared without case.
bool lists_word(const std::string& list, std::string_view word) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    std::string_view rest = list;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        std::string_view item = rest.substr(0, comma);
        rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) {
            item.remove_prefix(1);
        }
        while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) {
            item.remove_suffix(1);
        }
        if (item.size() == word.size() &&
            std::equal(item.begin(), item.end(), word.begin(),
                       [&](char a, char b) { return lower(a) == lower(b); })) {
            return true;
        }
    }
    return false;
}

bool asks_for_console(const http::Headers& headers) {
    const std::string* connection = http::find_header(headers, "connection");
    const std::string* upgrade = http::find_header(headers, "upgrade");
    return connection != nullptr && upgrade != nullptr && lists_word(*connection, "upgrade") &&
           lists_word(*upgrade, protocol);
}

vmm::ConsoleRequest console_request(Call& call) {
    constexpr std::uint64_t most = UINT64_MAX;
    vmm::ConsoleRequest request;
    const std::string mode = call.query.text("mode").value_or("rw");
    if (mode != "ro" && mode != "rw") {
        throw api::Error(api::ErrorCode::usage, "query key 'mode' wants ro or rw");
    }
    request.write = mode == "rw";
    request.steal = call.query.flag("steal");
    request.raw = call.query.flag("raw");
    request.replay = call.query.number("replay", 0, most);
    request.since = call.query.number("since", 0, most);
    call.query.done();
    if (request.replay && request.since) {
        throw api::Error(api::ErrorCode::usage, "give 'replay' or 'since', not both");
    }
    request.who = call.actor().name;
    return request;
}

} // namespace

http::Answer attach_console(Call& call) {
    const auto selector = call.selector();
    vmm::ConsoleRequest request = console_request(call);
    if (!asks_for_console(call.request.headers)) {
        http::Response response = error_response(
            api::Error(api::ErrorCode::usage, "the console is reached by an upgrade",
                       "send Connection: Upgrade and Upgrade: " + std::string(protocol)));
        response.status = 426;
        response.headers.emplace_back("Upgrade", std::string(protocol));
        return response;
    }
    auto& service = call.service;
    return http::Upgrade{[&service, selector, request = std::move(request), actor = call.actor()](
                             posix::Fd socket, std::string early) -> std::optional<http::Response> {
        vmm::ConsoleRequest complete = request;
        complete.early = std::move(early);
        try {
            service.attach_console(selector, std::move(socket), complete, actor,
                                   posix::Deadline::after(attach_time));
            return std::nullopt;
        } catch (const api::Error& error) {
            return error_response(error);
        }
    }};
}

http::Answer get_console_log(Call& call) {
    call.query.done();
    http::Response response;
    response.content_type = "application/octet-stream";
    for (auto& file : call.service.console_log(call.selector())) {
        struct stat status {};
        posix::check(::fstat(file.get(), &status), "look at the console log");
        // The live file grows on: what it has now is sent.
        response.files.push_back({std::move(file), static_cast<std::uint64_t>(status.st_size)});
    }
    return response;
}

} // namespace mshv::rest
