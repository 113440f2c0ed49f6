// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace mshv::kernelimage {

using Bytes = std::span<const std::byte>;

enum class Compression { none, gzip, xz, lzma, lz4, zstd, unknown };

/// The compressed kernel inside a bzImage; it refers to the image's bytes.
struct Payload {
    Compression compression = Compression::unknown;
    Bytes bytes;
};

/// Finds the payload by the header of the x86 boot protocol (Linux Documentation/arch/x86/boot.rst:
/// setup_sects at 0x1f1, "HdrS" at 0x202, version at 0x206, payload_offset and _length at 0x248).
/// Empty when `image` is no bzImage of protocol 2.08 or later, or lies about its sizes.
std::optional<Payload> locate_payload(Bytes image);

} // namespace mshv::kernelimage
