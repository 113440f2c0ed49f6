// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/scheduling.hpp"
#include "toolstack/libs/http/client.hpp"
#include "toolstack/libs/posix/deadline.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mshv::ctl {

class Context;

/// The daemon's API of processor time, as Client has the rest. Not thread-safe.
class SchedulingClient {
public:
    explicit SchedulingClient(Context& context);

    api::SchedulingList all(posix::Deadline deadline);
    api::SchedulingView get(const api::Selector& selector, bool config, posix::Deadline deadline);
    api::SchedulingView set(const api::Selector& selector, const api::SetSchedulingRequest& request,
                            posix::Deadline deadline);
    api::CpuPoolList pools(posix::Deadline deadline);
    api::CpuPoolList create_pool(const api::CreateCpuPoolRequest& request,
                                 posix::Deadline deadline);
    api::CpuPoolList destroy_pool(const std::string& pool, posix::Deadline deadline);
    api::CpuPoolList rename_pool(const std::string& pool, const std::string& name,
                                 posix::Deadline deadline);
    /// `verb`: add-cpus or remove-cpus.
    api::CpuPoolList change_pool(const std::string& pool, std::string_view verb,
                                 const std::string& cpus, posix::Deadline deadline);
    api::CpuPoolList split_pools(posix::Deadline deadline);

private:
    std::string send(std::string_view method, std::string target, const std::string& body,
                     posix::Deadline deadline);

    std::string socket_;
    std::optional<std::chrono::milliseconds> wait_busy_;
    http::Client http_;
};

} // namespace mshv::ctl
