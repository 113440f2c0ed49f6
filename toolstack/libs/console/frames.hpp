// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The console session between `mshvctl console` and a partition's keeper, after the HTTP upgrade
/// to `mshv-console/1`: frames of one type byte, a 24-bit big-endian length and the payload, in both
/// directions. With `raw=1` in the request there are no frames, only the console's bytes.
namespace mshv::console {

enum class FrameType : std::uint8_t {
    data = 1,         ///< both ways: console bytes
    replay_begin = 2, ///< keeper: u64 stream offset of the first replayed byte
    replay_end = 3,   ///< keeper: what follows is live
    notice = 4,       ///< keeper: a line for the user, UTF-8
    state = 5,        ///< keeper: "GENERATION STATE", e.g. "2 running"
    writer = 6,       ///< keeper: "1" you type, "0" you only read (somebody stole it)
    offset = 7,       ///< keeper: u64 stream offset after the bytes sent so far
    detach = 8,       ///< client: orderly end
    exit = 9,         ///< keeper: the partition ended for good; payload is the reason's word
};

inline constexpr std::size_t header_size = 4;
inline constexpr std::size_t largest_payload = 64 * 1024;

struct FrameHeader {
    FrameType type = FrameType::data;
    std::uint32_t length = 0;
};

inline std::array<char, header_size> encode_header(FrameType type, std::size_t length) {
    return {static_cast<char>(type), static_cast<char>(length >> 16U & 0xffU),
            static_cast<char>(length >> 8U & 0xffU), static_cast<char>(length & 0xffU)};
}

inline std::string encode_frame(FrameType type, std::string_view payload) {
    const auto header = encode_header(type, payload.size());
    std::string frame(header.data(), header.size());
    frame += payload;
    return frame;
}

/// `bytes` holds at least header_size bytes; empty when the header is not one of this protocol.
inline std::optional<FrameHeader> decode_header(std::string_view bytes) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    const std::uint32_t length = static_cast<std::uint32_t>(at(1)) << 16U |
                                 static_cast<std::uint32_t>(at(2)) << 8U | at(3);
    if (at(0) < 1 || at(0) > 9 || length > largest_payload) {
        return std::nullopt;
    }
    return FrameHeader{static_cast<FrameType>(at(0)), length};
}

inline std::array<char, 8> encode_u64(std::uint64_t value) {
    std::array<char, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(value >> (8 * (7 - i)) & 0xffU);
    }
    return bytes;
}

inline std::uint64_t decode_u64(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8 && i < bytes.size(); ++i) {
        value = value << 8U | static_cast<std::uint8_t>(bytes[i]);
    }
    return value;
}

} // namespace mshv::console
