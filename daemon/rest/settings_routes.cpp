// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

namespace mshv::rest {
namespace {

constexpr std::chrono::milliseconds ask_time{2'000};

} // namespace

http::Answer get_memory(Call& call) {
    call.query.done();
    return json_of(call.service.memory(call.selector(), posix::Deadline::after(ask_time)));
}

http::Answer set_memory(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.set_memory(call.selector(), call.body<api::SetMemoryRequest>(),
                                           call.actor(), busy));
}

http::Answer pin_vcpu(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.pin_vcpu(call.selector(), call.body<api::PinVcpuRequest>(),
                                         call.actor(), busy));
}

} // namespace mshv::rest
