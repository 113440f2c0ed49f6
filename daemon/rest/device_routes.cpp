// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

namespace mshv::rest {

http::Answer list_disks(Call& call) {
    call.query.done();
    return json_of(call.service.disks(call.selector()));
}

http::Answer attach_disk(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.attach_disk(call.selector(), call.body<api::AttachDiskRequest>(),
                                            call.actor(), busy));
}

http::Answer detach_disk(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.detach_disk(call.selector(), call.body<api::DetachDiskRequest>(),
                                            call.actor(), busy));
}

http::Answer resize_disk(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.resize_disk(call.selector(), call.body<api::ResizeDiskRequest>(),
                                            call.actor(), busy));
}

http::Answer change_medium(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.change_medium(
        call.selector(), call.body<api::ChangeMediumRequest>(), call.actor(), busy));
}

http::Answer set_disk_limits(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.set_disk_limits(
        call.selector(), call.body<api::SetDiskLimitsRequest>(), call.actor(), busy));
}

http::Answer list_nics(Call& call) {
    call.query.done();
    return json_of(call.service.nics(call.selector()));
}

http::Answer attach_nic(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.attach_nic(call.selector(), call.body<api::AttachNicRequest>(),
                                           call.actor(), busy));
}

http::Answer detach_nic(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.detach_nic(call.selector(), call.body<api::DetachNicRequest>(),
                                           call.actor(), busy));
}

http::Answer set_link(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.set_link(call.selector(), call.body<api::SetLinkRequest>(),
                                         call.actor(), busy));
}

} // namespace mshv::rest
