// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/kernel_image.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <lz4.h>
#include <lzma.h>
#include <memory>
#include <string_view>
#include <zlib.h>
#include <zstd.h>

namespace mshv::kernelimage {
namespace {

using Room = std::span<unsigned char>;

[[noreturn]] void damaged(const char* format) {
    throw Rejected(Verdict::damaged, std::string("the ") + format + " data is damaged");
}

[[noreturn]] void too_big() {
    throw Rejected(Verdict::too_big, "the unpacked kernel would be too large");
}

[[noreturn]] void no_start(const char* library) {
    throw Rejected(Verdict::io_error, std::string(library) + " did not start");
}

std::size_t unpack_gzip(Bytes bytes, Room out) {
    z_stream stream{};
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (::inflateInit2(&stream, gzip_only) != Z_OK) {
        no_start("zlib");
    }
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, ::inflateEnd);
    stream.next_in = const_cast<unsigned char*>(bytes.data());
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    const int result = ::inflate(&stream, Z_FINISH);
    if (result != Z_STREAM_END) {
        stream.avail_out == 0 ? too_big() : damaged("gzip");
    }
    return out.size() - stream.avail_out;
}

std::size_t unpack_lzma(Bytes bytes, Room out) {
    constexpr std::uint64_t most_memory = std::uint64_t{512} << 20U;
    lzma_stream stream = LZMA_STREAM_INIT;
    if (::lzma_auto_decoder(&stream, most_memory, 0) != LZMA_OK) {
        no_start("liblzma");
    }
    const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> guard(&stream, ::lzma_end);
    stream.next_in = bytes.data();
    stream.avail_in = bytes.size();
    stream.next_out = out.data();
    stream.avail_out = out.size();
    lzma_ret result = LZMA_OK;
    while (result == LZMA_OK) {
        if (stream.avail_out == 0) {
            too_big();
        }
        result = ::lzma_code(&stream, LZMA_RUN);
    }
    if (result != LZMA_STREAM_END) {
        damaged("xz");
    }
    return out.size() - stream.avail_out;
}

std::size_t unpack_zstd(Bytes bytes, Room out) {
    const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(::ZSTD_createDStream(),
                                                                          ::ZSTD_freeDStream);
    constexpr int largest_window = 27; // what zstd -22 --ultra, the kernel's choice, needs
    if (!stream || ::ZSTD_isError(::ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax,
                                                           largest_window)) != 0) {
        no_start("libzstd");
    }
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    std::size_t result = 1;
    while (result != 0) {
        const std::size_t before = input.pos + output.pos;
        result = ::ZSTD_decompressStream(stream.get(), &output, &input);
        if (::ZSTD_isError(result) != 0 || input.pos + output.pos == before) {
            output.pos == output.size ? too_big() : damaged("zstd");
        }
    }
    return output.pos;
}

/// The format of `lz4 -l`: a magic, then blocks, each behind its compressed size; a block unpacks
/// to at most 8 MiB.
std::size_t unpack_lz4(Bytes bytes, Room out) {
    constexpr std::size_t largest_block = std::size_t{8} << 20U;
    constexpr std::uint32_t magic = 0x184c2102;
    std::size_t in = 0;
    std::size_t written = 0;
    // Behind the last block stands the unpacked size in 4 bytes: what is left then holds no block.
    while (bytes.size() - in > sizeof(std::uint32_t)) {
        std::uint32_t size = 0;
        std::memcpy(&size, bytes.data() + in, sizeof size);
        in += sizeof size;
        if (size == magic) {
            continue;
        }
        if (size > bytes.size() - in) {
            damaged("lz4");
        }
        const std::size_t room = std::min(largest_block, out.size() - written);
        const int got = ::LZ4_decompress_safe(reinterpret_cast<const char*>(bytes.data() + in),
                                              reinterpret_cast<char*>(out.data() + written),
                                              static_cast<int>(size), static_cast<int>(room));
        if (got < 0) {
            room < largest_block ? too_big() : damaged("lz4");
        }
        written += static_cast<std::size_t>(got);
        in += size;
    }
    return written;
}

bool starts_with(Bytes bytes, std::string_view magic) {
    return bytes.size() >= magic.size() &&
           std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

} // namespace

std::size_t unpack(Bytes payload, std::span<unsigned char> out) {
    using namespace std::string_view_literals;
    if (looks_like_elf(payload)) {
        if (payload.size() > out.size()) {
            too_big();
        }
        std::copy(payload.begin(), payload.end(), out.begin());
        return payload.size();
    }
    if (starts_with(payload, "\x1f\x8b"sv)) {
        return unpack_gzip(payload, out);
    }
    if (starts_with(payload, "\xfd\x37zXZ\0"sv) || starts_with(payload, "\x5d\0\0"sv)) {
        return unpack_lzma(payload, out);
    }
    if (starts_with(payload, "\x02\x21L\x18"sv)) {
        return unpack_lz4(payload, out);
    }
    if (starts_with(payload, "\x28\xb5\x2f\xfd"sv)) {
        return unpack_zstd(payload, out);
    }
    throw Rejected(Verdict::unknown_format, "the kernel is compressed in a way not known here");
}

} // namespace mshv::kernelimage
