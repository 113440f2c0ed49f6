// SPDX-License-Identifier: Apache-2.0
// Any bytes as a request body or as an answer: refused, or a value that survives another round.
#include "toolstack/libs/api/codec.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mshv::api;

namespace {

template <typename T>
void check(std::string_view text, const DecodeOptions& options) {
    try {
        const std::string again = encode(decode<T>(text, options));
        if (encode(decode<T>(again)) != again) {
            std::abort();
        }
    } catch (const Error&) { // NOLINT(bugprone-empty-catch): refused
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check<CreateRequest>(text, {});
    check<ShutdownRequest>(text, {});
    check<PartitionList>(text, DecodeOptions::answer());
    check<EventPage>(text, DecodeOptions::answer());
    (void)decode_error(text, 500);
    return 0;
}
