// SPDX-License-Identifier: Apache-2.0
// Any bytes as a request's or an answer's head, and as a target.
#include "toolstack/libs/http/head.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mshv::http;

namespace {

/// What was accepted holds nothing that a route could take for something else.
void check_target(const Target& target) {
    for (const auto& segment : target.segments) {
        if (segment.empty() || segment == "." || segment == ".." ||
            segment.find('\0') != std::string::npos) {
            std::abort();
        }
    }
}

template <typename F>
void attempt(F&& function) {
    try {
        function();
    } catch (const BadMessage&) { // NOLINT(bugprone-empty-catch): refused
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    attempt([&] { check_target(parse_target(text)); });
    attempt([&] {
        std::size_t scanned = 0;
        if (const auto length = find_head(text, scanned, 8192)) {
            const Head head = parse_request_head(text.substr(0, *length));
            check_target(head.target);
            if (find_header(head.headers, "transfer-encoding") != nullptr) {
                std::abort();
            }
        }
    });
    attempt([&] {
        std::size_t scanned = 0;
        if (const auto length = find_head(text, scanned, 8192)) {
            parse_response_head(text.substr(0, *length));
        }
    });
    return 0;
}
