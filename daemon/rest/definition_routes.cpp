// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

namespace mshv::rest {
namespace {

constexpr std::size_t most_rows = 10'000;
constexpr std::size_t usual_rows = 1'000;

} // namespace

http::Answer get_definition(Call& call) {
    const auto revision = call.revision("revision");
    call.query.done();
    return json_of(call.service.definition(call.selector(), revision));
}

http::Answer replace_definition(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.replace(call.selector(), call.body<api::ReplaceRequest>(),
                                        call.actor(), busy));
}

http::Answer list_revisions(Call& call) {
    const auto limit = call.query.number("limit", 1, most_rows).value_or(usual_rows);
    call.query.done();
    return json_of(call.service.revisions(call.selector(), limit));
}

http::Answer get_changes(Call& call) {
    const auto from = call.revision("from");
    const auto to = call.revision("to");
    call.query.done();
    return json_of(call.service.changes(call.selector(), from, to));
}

http::Answer rollback_definition(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.rollback(call.selector(), call.body<api::RollbackRequest>(),
                                         call.actor(), busy));
}

http::Answer plan_definition(Call& call) {
    call.query.done();
    return json_of(call.service.plan(call.body<api::PlanRequest>()));
}

http::Answer get_vmm_arguments(Call& call) {
    call.query.done();
    return json_of(call.service.vmm_arguments(call.selector()));
}

http::Answer plan_vmm_arguments(Call& call) {
    call.query.done();
    return json_of(call.service.vmm_arguments(call.body<api::VmmArgumentsRequest>().spec));
}

} // namespace mshv::rest
