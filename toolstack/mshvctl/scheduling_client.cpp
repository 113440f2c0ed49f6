// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/scheduling_client.hpp"

#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/exchange.hpp"

#include <utility>

namespace mshv::ctl {
namespace {

constexpr const char* pools_target = "/v1/cpu-pools";

std::string target_of(const api::Selector& selector, const char* what) {
    return "/v1/partitions/" + http::percent_encode(selector.to_string()) + what;
}

std::string pool_target(const std::string& pool) {
    return std::string(pools_target) + '/' + http::percent_encode(pool);
}

} // namespace

SchedulingClient::SchedulingClient(Context& context)
    : socket_(context.client().socket()), wait_busy_(context.globals().wait_busy), http_(socket_) {}

std::string SchedulingClient::send(std::string_view method, std::string target,
                                   const std::string& body, posix::Deadline deadline) {
    const bool changes = method != "GET";
    if (changes && wait_busy_) {
        target += "?wait_busy_ms=" + std::to_string(wait_busy_->count());
    }
    return exchange(http_, socket_, {std::string(method), std::move(target), body}, changes,
                    deadline);
}

api::SchedulingList SchedulingClient::all(posix::Deadline deadline) {
    return decode_answer<api::SchedulingList>(send("GET", "/v1/scheduling", {}, deadline));
}

api::SchedulingView SchedulingClient::get(const api::Selector& selector, bool config,
                                          posix::Deadline deadline) {
    const auto target = target_of(selector, config ? "/scheduling?config=1" : "/scheduling");
    return decode_answer<api::SchedulingView>(send("GET", target, {}, deadline));
}

api::SchedulingView SchedulingClient::set(const api::Selector& selector,
                                          const api::SetSchedulingRequest& request,
                                          posix::Deadline deadline) {
    return decode_answer<api::SchedulingView>(
        send("POST", target_of(selector, "/set-scheduling"), api::encode(request), deadline));
}

api::CpuPoolList SchedulingClient::pools(posix::Deadline deadline) {
    return decode_answer<api::CpuPoolList>(send("GET", pools_target, {}, deadline));
}

api::CpuPoolList SchedulingClient::create_pool(const api::CreateCpuPoolRequest& request,
                                               posix::Deadline deadline) {
    return decode_answer<api::CpuPoolList>(
        send("POST", pools_target, api::encode(request), deadline));
}

api::CpuPoolList SchedulingClient::destroy_pool(const std::string& pool, posix::Deadline deadline) {
    return decode_answer<api::CpuPoolList>(send("DELETE", pool_target(pool), {}, deadline));
}

api::CpuPoolList SchedulingClient::rename_pool(const std::string& pool, const std::string& name,
                                               posix::Deadline deadline) {
    return decode_answer<api::CpuPoolList>(send("POST", pool_target(pool) + "/rename",
                                                api::encode(api::RenameCpuPoolRequest{name}),
                                                deadline));
}

api::CpuPoolList SchedulingClient::change_pool(const std::string& pool, std::string_view verb,
                                               const std::string& cpus, posix::Deadline deadline) {
    return decode_answer<api::CpuPoolList>(send("POST", pool_target(pool) + "/" + std::string(verb),
                                                api::encode(api::CpuPoolCpusRequest{cpus}),
                                                deadline));
}

api::CpuPoolList SchedulingClient::split_pools(posix::Deadline deadline) {
    return decode_answer<api::CpuPoolList>(send("POST", "/v1/split-cpu-pools", "{}", deadline));
}

} // namespace mshv::ctl
