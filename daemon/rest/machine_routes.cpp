// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

namespace mshv::rest {

http::Answer set_vcpus(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.machine().set_vcpus(
        call.selector(), call.body<api::SetVcpusRequest>(), call.actor(), busy));
}

http::Answer suspend(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.machine().suspend(call.selector(), call.body<api::SleepRequest>(),
                                                  call.actor(), busy));
}

http::Answer resume(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.machine().wake(call.selector(), call.body<api::SleepRequest>(),
                                               call.actor(), busy));
}

} // namespace mshv::rest
