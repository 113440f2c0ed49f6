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

} // namespace mshv::rest
