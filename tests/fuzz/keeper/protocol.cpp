// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/protocol.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// What is taken as a line comes out of the encoder as the same message, and so does a spec.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mshv::keeper;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto message = decode(text);
        const auto line = encode(message);
        if (decode(std::string_view(line).substr(0, line.size() - 1)).fields != message.fields) {
            std::abort();
        }
    } catch (const ProtocolError&) { // NOLINT: refused
    }
    try {
        const auto spec = encode_spec(decode_spec(text));
        if (encode_spec(decode_spec(spec)) != spec) {
            std::abort();
        }
    } catch (const ProtocolError&) { // NOLINT: refused
    }
    LineBuffer lines(64);
    try {
        for (std::size_t at = 0; at < text.size(); at += 7) {
            lines.append(text.substr(at, 7));
            while (lines.next()) {
            }
        }
    } catch (const ProtocolError&) { // NOLINT: refused
    }
    return 0;
}
