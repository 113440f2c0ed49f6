// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

#include <charconv>

namespace mshv::rest {
namespace {

std::int64_t number_of(const Call& call) {
    constexpr std::size_t place = 2; // /v1/jobs/{sel}
    const std::string& text = call.request.target.segments.at(place);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 1) {
        throw api::Error(api::ErrorCode::usage, "'" + text + "' is not the number of a job");
    }
    return number;
}

/// The job, and where to look for it.
http::Response begun(const api::JobView& job) {
    http::Response response = json_of(job, 202);
    response.headers.emplace_back("Location", "/v1/jobs/" + std::to_string(job.id));
    return response;
}

} // namespace

http::Answer save_partition(Call& call) {
    const auto busy = call.wait_busy();
    return begun(
        call.service.save(call.selector(), call.body<api::SaveRequest>(), call.actor(), busy));
}

http::Answer dump_partition(Call& call) {
    const auto busy = call.wait_busy();
    return begun(
        call.service.dump(call.selector(), call.body<api::DumpRequest>(), call.actor(), busy));
}

http::Answer restore_partition(Call& call) {
    const auto busy = call.wait_busy();
    return begun(call.service.restore(call.body<api::RestoreRequest>(), call.actor(), busy));
}

http::Answer compare_saved(Call& call) {
    call.query.done();
    return json_of(call.service.compare(call.body<api::CompareRequest>()));
}

http::Answer drop_saved(Call& call) {
    const auto busy = call.wait_busy();
    return json_of(call.service.drop_saved(call.selector(), call.actor(), busy));
}

http::Answer list_jobs(Call& call) {
    call.query.done();
    return json_of(call.service.jobs());
}

http::Answer get_job(Call& call) {
    const auto wait = call.query.span("wait_ms").value_or(std::chrono::milliseconds(0));
    call.query.done();
    return json_of(call.service.job(number_of(call), posix::Deadline::after(wait)));
}

http::Answer cancel_job(Call& call) {
    call.query.done();
    call.body<api::EmptyRequest>();
    return json_of(call.service.cancel_job(number_of(call), call.actor()));
}

} // namespace mshv::rest
