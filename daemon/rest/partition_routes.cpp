// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

namespace mshv::rest {
http::Answer create_partition(Call& call) {
    const auto busy = call.wait_busy(); // of the partition that is replaced, or has the UUID
    const auto view = call.service.create(call.body<api::CreateRequest>(), call.actor(), busy);
    http::Response response = json_of(view, 201);
    response.headers.emplace_back("Location", "/v1/partitions/uuid%3A" + api::to_string(view.uuid));
    return response;
}

http::Answer undefine_partition(Call& call) {
    const auto revision = call.revision("revision");
    const auto busy = call.wait_busy();
    return json_of(call.service.undefine(call.selector(), revision, call.actor(), busy));
}

http::Answer start_partition(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(
        call.service.start(call.selector(), call.body<api::StartRequest>(), call.actor(), busy));
}

http::Answer shutdown_partition(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.shutdown(call.selector(), call.body<api::ShutdownRequest>(),
                                         call.actor(), busy));
}

http::Answer reboot_partition(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.reboot(call.selector(), call.body<api::ShutdownRequest>(),
                                       call.actor(), busy));
}

http::Answer reset_partition(Call& call) {
    const auto busy = call.wait_busy();
    call.body<api::EmptyRequest>();
    return json_of(call.service.reset(call.selector(), call.actor(), busy));
}

http::Answer destroy_partition(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.destroy(call.selector(), call.body<api::DestroyRequest>(),
                                        call.actor(), busy));
}

http::Answer pause_partition(Call& call) {
    const auto busy = call.wait_busy();
    call.body<api::EmptyRequest>();
    return json_of(call.service.pause(call.selector(), call.actor(), busy));
}

http::Answer unpause_partition(Call& call) {
    const auto busy = call.wait_busy();
    call.body<api::EmptyRequest>();
    return json_of(call.service.unpause(call.selector(), call.actor(), busy));
}

http::Answer trigger_partition(Call& call) {
    const auto busy = call.wait_busy();
    const auto selector = call.selector();
    call.service.trigger(selector, call.body<api::TriggerRequest>(), call.actor(), busy);
    return json_of(call.service.get(selector));
}

http::Answer rename_partition(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(
        call.service.rename(call.selector(), call.body<api::RenameRequest>(), call.actor(), busy));
}

http::Answer note_host_shutdown(Call& call) {
    (void)call.wait_busy(); // it waits for nobody
    return json_of(call.service.note_host_shutdown(
        call.selector(), call.body<api::HostShutdownRequest>(), call.actor()));
}

http::Answer autostart_partition(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.set_autostart(call.selector(), call.body<api::AutostartRequest>(),
                                              call.actor(), busy));
}

} // namespace mshv::rest
