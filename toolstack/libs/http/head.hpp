// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/http/message.hpp"

#include <optional>
#include <string_view>

// Internal to libs/http.

namespace mshv::http {

/// Length of the head at the start of `bytes`, its empty line included; empty while that has not
/// come. Throws BadMessage when it is longer than `limit` or holds a bare LF. `scanned` remembers
/// what was looked at already.
std::optional<std::size_t> find_head(std::string_view bytes, std::size_t& scanned,
                                     std::size_t limit);

/// `text` is exactly one head. Throws BadMessage.
Head parse_request_head(std::string_view text);

struct ResponseHead {
    int status = 0;
    Headers headers;
    bool keep_alive = true;
    std::optional<std::uint64_t> content_length;
};

ResponseHead parse_response_head(std::string_view text);

} // namespace mshv::http
