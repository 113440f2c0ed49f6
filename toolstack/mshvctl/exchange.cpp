// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/exchange.hpp"

#include <utility>

namespace mshv::ctl {

std::string exchange(http::Client& http, const std::string& socket,
                     const http::ClientRequest& request, bool changes, posix::Deadline deadline) {
    auto response = translated(socket, changes, [&] { return http.send(request, deadline); });
    if (response.status >= first_error_status) {
        throw api::Error(api::decode_error(response.body, response.status));
    }
    return std::move(response.body);
}

} // namespace mshv::ctl
