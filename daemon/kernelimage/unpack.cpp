// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/unpack.hpp"

#include <algorithm>
#include <cstring>
#include <lz4.h>
#include <lzma.h>
#include <memory>
#include <vector>
#include <zlib.h>
#include <zstd.h>

namespace mshv::kernelimage {
namespace {

constexpr std::size_t piece = std::size_t{1} << 20U;

/// Counts what comes out, so that a small image cannot unpack into everything.
class Output {
public:
    Output(std::uint64_t limit, const std::function<void(Bytes)>& sink)
        : left_(limit), sink_(sink), buffer_(piece) {}

    std::byte* data() { return buffer_.data(); }
    unsigned char* chars() { return reinterpret_cast<unsigned char*>(buffer_.data()); }

    void commit(std::size_t size) { commit(Bytes(buffer_.data(), size)); }
    void commit(Bytes bytes) {
        if (bytes.size() > left_) {
            throw CannotUnpack("the unpacked kernel would be too large");
        }
        left_ -= bytes.size();
        if (!bytes.empty()) {
            sink_(bytes);
        }
    }

private:
    std::uint64_t left_;
    const std::function<void(Bytes)>& sink_;
    std::vector<std::byte> buffer_;
};

const unsigned char* chars(Bytes bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

[[noreturn]] void damaged(const char* format) {
    throw CannotUnpack(std::string("the ") + format + " data inside the image is damaged");
}

void unpack_gzip(Bytes bytes, Output& output) {
    z_stream stream{};
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (::inflateInit2(&stream, gzip_only) != Z_OK) {
        throw CannotUnpack("zlib did not start");
    }
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, ::inflateEnd);
    stream.next_in = const_cast<unsigned char*>(chars(bytes));
    stream.avail_in = static_cast<uInt>(bytes.size());
    int result = Z_OK;
    while (result == Z_OK) {
        stream.next_out = output.chars();
        stream.avail_out = piece;
        result = ::inflate(&stream, Z_NO_FLUSH);
        output.commit(piece - stream.avail_out);
    }
    if (result != Z_STREAM_END) {
        damaged("gzip");
    }
}

void unpack_lzma(Bytes bytes, Output& output) {
    constexpr std::uint64_t most_memory = std::uint64_t{512} << 20U;
    lzma_stream stream = LZMA_STREAM_INIT;
    if (::lzma_auto_decoder(&stream, most_memory, 0) != LZMA_OK) {
        throw CannotUnpack("liblzma did not start");
    }
    const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> guard(&stream, ::lzma_end);
    stream.next_in = chars(bytes);
    stream.avail_in = bytes.size();
    lzma_ret result = LZMA_OK;
    while (result == LZMA_OK) {
        stream.next_out = output.chars();
        stream.avail_out = piece;
        result = ::lzma_code(&stream, LZMA_RUN);
        output.commit(piece - stream.avail_out);
    }
    if (result != LZMA_STREAM_END) {
        damaged("xz");
    }
}

void unpack_zstd(Bytes bytes, Output& output) {
    const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(::ZSTD_createDStream(),
                                                                          ::ZSTD_freeDStream);
    constexpr int largest_window = 27; // what zstd -22 --ultra, the kernel's choice, needs
    if (!stream ||
        ::ZSTD_isError(::ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax,
                                                largest_window)) != 0) {
        throw CannotUnpack("libzstd did not start");
    }
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::size_t result = 1;
    while (result != 0) {
        ZSTD_outBuffer out{output.data(), piece, 0};
        const std::size_t before = in.pos;
        result = ::ZSTD_decompressStream(stream.get(), &out, &in);
        if (::ZSTD_isError(result) != 0 || (out.pos == 0 && in.pos == before)) {
            damaged("zstd");
        }
        output.commit(out.pos);
    }
}

/// The format of `lz4 -l`: a magic, then blocks, each behind its compressed size; a block unpacks
/// to at most 8 MiB.
void unpack_lz4(Bytes bytes, Output& output) {
    constexpr std::size_t largest_block = std::size_t{8} << 20U;
    constexpr std::uint32_t magic = 0x184c2102;
    std::vector<char> block(largest_block);
    std::size_t offset = 0;
    // Behind the last block stands the unpacked size in 4 bytes, which a loop that wants a block
    // of at least one byte behind each size never takes for one.
    while (bytes.size() - offset > sizeof(std::uint32_t)) {
        std::uint32_t size = 0;
        std::memcpy(&size, bytes.data() + offset, sizeof size);
        offset += sizeof size;
        if (size == magic) {
            continue;
        }
        if (size > bytes.size() - offset) {
            damaged("lz4");
        }
        const int out = ::LZ4_decompress_safe(
            reinterpret_cast<const char*>(bytes.data() + offset), block.data(),
            static_cast<int>(size), static_cast<int>(block.size()));
        if (out < 0) {
            damaged("lz4");
        }
        output.commit(std::as_bytes(std::span(block.data(), static_cast<std::size_t>(out))));
        offset += size;
    }
}

} // namespace

void unpack(const Payload& payload, std::uint64_t limit, const std::function<void(Bytes)>& sink) {
    Output output(limit, sink);
    switch (payload.compression) {
    case Compression::none:
        return output.commit(payload.bytes);
    case Compression::gzip:
        return unpack_gzip(payload.bytes, output);
    case Compression::xz:
    case Compression::lzma:
        return unpack_lzma(payload.bytes, output);
    case Compression::lz4:
        return unpack_lz4(payload.bytes, output);
    case Compression::zstd:
        return unpack_zstd(payload.bytes, output);
    case Compression::unknown:
        break;
    }
    throw CannotUnpack("the image is compressed in a way that is not known here");
}

} // namespace mshv::kernelimage
