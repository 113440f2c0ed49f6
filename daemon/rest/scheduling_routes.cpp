// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

namespace mshv::rest {
namespace {

/// The name in /v1/cpu-pools/{sel}/….
std::string pool_of(const Call& call) {
    constexpr std::size_t place = 2;
    return call.request.target.segments.at(place);
}

} // namespace

http::Answer list_scheduling(Call& call) {
    call.query.done();
    return json_of(call.service.scheduling().all());
}

http::Answer get_scheduling(Call& call) {
    const bool config = call.query.flag("config");
    call.query.done();
    return json_of(call.service.scheduling().get(call.selector(), config));
}

http::Answer set_scheduling(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.scheduling().set(
        call.selector(), call.body<api::SetSchedulingRequest>(), call.actor(), busy));
}

http::Answer list_cpu_pools(Call& call) {
    call.query.done();
    return json_of(call.service.scheduling().pools());
}

http::Answer create_cpu_pool(Call& call) {
    (void)call.wait_busy();
    return json_of(
        call.service.scheduling().create_pool(call.body<api::CreateCpuPoolRequest>(), call.actor()),
        201);
}

http::Answer destroy_cpu_pool(Call& call) {
    (void)call.wait_busy();
    return json_of(call.service.scheduling().destroy_pool(pool_of(call), call.actor()));
}

http::Answer rename_cpu_pool(Call& call) {
    (void)call.wait_busy();
    return json_of(call.service.scheduling().rename_pool(
        pool_of(call), call.body<api::RenameCpuPoolRequest>().name, call.actor()));
}

http::Answer add_pool_cpus(Call& call) {
    (void)call.wait_busy();
    return json_of(call.service.scheduling().add_cpus(
        pool_of(call), call.body<api::CpuPoolCpusRequest>().cpus, call.actor()));
}

http::Answer remove_pool_cpus(Call& call) {
    (void)call.wait_busy();
    return json_of(call.service.scheduling().remove_cpus(
        pool_of(call), call.body<api::CpuPoolCpusRequest>().cpus, call.actor()));
}

http::Answer split_cpu_pools(Call& call) {
    (void)call.wait_busy();
    (void)call.body<api::EmptyRequest>();
    return json_of(call.service.scheduling().split_by_node(call.actor()));
}

} // namespace mshv::rest
