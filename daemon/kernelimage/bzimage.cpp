// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/bzimage.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mshv::kernelimage {
namespace {

constexpr std::size_t sector = 512;
constexpr std::size_t setup_sects_at = 0x1f1;
constexpr std::size_t magic_at = 0x202;
constexpr std::size_t version_at = 0x206;
constexpr std::size_t payload_offset_at = 0x248;
constexpr std::size_t payload_length_at = 0x24c;
constexpr std::uint16_t version_with_payload = 0x0208;

/// The image's numbers are little-endian, as is every machine that this is built for.
template <typename T>
T number_at(Bytes image, std::size_t offset) {
    T value{};
    std::memcpy(&value, image.data() + offset, sizeof value);
    return value;
}

bool starts_with(Bytes bytes, std::string_view magic) {
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

Compression recognise(Bytes payload) {
    struct Magic {
        std::string_view bytes;
        Compression compression;
    };
    using namespace std::string_view_literals;
    static constexpr std::array magics{
        Magic{"\x1f\x8b"sv, Compression::gzip},      Magic{"\xfd"
                                                           "7zXZ\0"sv,
                                                           Compression::xz},
        Magic{"\x5d\0\0"sv, Compression::lzma},      Magic{"\x02!L\x18"sv, Compression::lz4},
        Magic{"\x28\xb5\x2f\xfd"sv, Compression::zstd}, Magic{"\x7f"
                                                              "ELF"sv,
                                                              Compression::none},
    };
    const auto* found = std::find_if(magics.begin(), magics.end(), [&](const Magic& magic) {
        return starts_with(payload, magic.bytes);
    });
    return found == magics.end() ? Compression::unknown : found->compression;
}

} // namespace

std::optional<Payload> locate_payload(Bytes image) {
    if (image.size() < payload_length_at + sizeof(std::uint32_t) ||
        std::memcmp(image.data() + magic_at, "HdrS", 4) != 0 ||
        number_at<std::uint16_t>(image, version_at) < version_with_payload) {
        return std::nullopt;
    }
    // 0 means 4 sectors: the protocol's rule for images older than the field.
    const auto sectors = number_at<std::uint8_t>(image, setup_sects_at);
    const std::uint64_t setup = (sectors == 0 ? 4U : sectors) + 1U;
    const std::uint64_t start =
        setup * sector + number_at<std::uint32_t>(image, payload_offset_at);
    const std::uint64_t length = number_at<std::uint32_t>(image, payload_length_at);
    if (length == 0 || start > image.size() || length > image.size() - start) {
        return std::nullopt;
    }
    const Bytes bytes = image.subspan(static_cast<std::size_t>(start),
                                      static_cast<std::size_t>(length));
    return Payload{recognise(bytes), bytes};
}

} // namespace mshv::kernelimage
