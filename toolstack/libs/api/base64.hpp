// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mshv::api {

/// RFC 4648, with padding.
std::string encode_base64(std::string_view bytes);
/// Empty for text that is not what encode_base64() makes.
std::optional<std::string> decode_base64(std::string_view text);

} // namespace mshv::api
