// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/console_client.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

/// The payloads of the data frames in what a session sent.
std::string shown(std::string_view bytes) {
    using namespace mshv::console;
    std::string data;
    bytes.remove_prefix(bytes.find("\r\n\r\n") + 4);
    while (!bytes.empty()) {
        const auto header = decode_header(bytes);
        if (!header || bytes.size() < header_size + header->length) {
            std::abort();
        }
        if (header->type == FrameType::data) {
            data += bytes.substr(header_size, header->length);
        }
        bytes.remove_prefix(header_size + header->length);
    }
    return data;
}

} // namespace

/// A guest's bytes: an exact session shows them as they are, a replay never more of them; a
/// client's bytes: typed or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mshv::keeper;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    ConsoleStream stream(size + 1);
    stream.ring.append(bytes);
    for (const bool exact : {true, false}) {
        SessionStart start;
        start.most_replay = size + 1;
        if (exact) {
            start.since = 0;
        }
        ConsoleCursor cursor(stream, start);
        std::string all;
        for (auto piece = cursor.next(); !piece.empty(); piece = cursor.next()) {
            all += piece;
        }
        const std::string seen = shown(all);
        if (exact ? seen != bytes : seen.size() > bytes.size()) {
            std::abort();
        }
    }
    std::string typed;
    ClientInput(false).take(bytes, typed);
    return typed.size() > size ? 1 : 0;
}
