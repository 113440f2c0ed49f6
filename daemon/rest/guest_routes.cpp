// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

namespace mshv::rest {

http::Answer ping_guest(Call& call) {
    call.query.done();
    return json_of(call.service.guests().ping(call.selector(), call.actor()));
}

http::Answer get_guest_info(Call& call) {
    call.query.done();
    return json_of(call.service.guests().info(call.selector(), call.actor()));
}

http::Answer get_guest_addresses(Call& call) {
    call.query.done();
    return json_of(call.service.guests().addresses(call.selector(), call.actor()));
}

http::Answer exec_in_guest(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.guests().exec(call.selector(), call.body<api::GuestExecRequest>(),
                                              call.actor(), busy));
}

http::Answer get_guest_exec(Call& call) {
    call.query.done();
    return json_of(call.service.guests().exec_status(
        call.selector(), call.body<api::GuestExecStatusRequest>(), call.actor()));
}

http::Answer get_guest_freeze(Call& call) {
    call.query.done();
    return json_of(call.service.guests().freeze_status(call.selector(), call.actor()));
}

http::Answer freeze_guest(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.guests().freeze(
        call.selector(), call.body<api::GuestFreezeRequest>(), call.actor(), busy));
}

http::Answer thaw_guest(Call& call) {
    const auto busy = call.wait_busy();
    (void)call.body<api::EmptyRequest>();
    return json_of(call.service.guests().thaw(call.selector(), call.actor(), busy));
}

http::Answer sync_guest_time(Call& call) {
    const auto busy = call.wait_busy();
    (void)call.body<api::EmptyRequest>();
    return json_of(call.service.guests().sync_time(call.selector(), call.actor(), busy));
}

} // namespace mshv::rest
