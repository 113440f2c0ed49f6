// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/kernel_image.hpp"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <elf.h>
#include <functional>
#include <lz4.h>
#include <lz4hc.h>
#include <lzma.h>
#include <random>
#include <string>
#include <vector>
#include <zlib.h>
#include <zstd.h>

namespace {

using mshv::kernelimage::Bytes;
using mshv::kernelimage::Rejected;
using mshv::kernelimage::Verdict;
using Data = std::vector<unsigned char>;

template <typename T>
void append(Data& data, const T& value) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
    data.insert(data.end(), bytes, bytes + sizeof value);
}

enum class Pvh { yes, no };

/// An ELF file with one note segment, and some text that compresses a little.
Data make_elf(Pvh pvh, std::size_t filler = 100'000) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = EM_X86_64;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    header.e_phoff = sizeof header;
    Data notes;
    append(notes, Elf64_Nhdr{4, 8, 3});
    append(notes, std::array<char, 4>{'G', 'N', 'U', 0});
    append(notes, std::uint64_t{1});
    append(notes, Elf64_Nhdr{4, 4, pvh == Pvh::yes ? 18U : 6U});
    append(notes, std::array<char, 4>{'X', 'e', 'n', 0});
    append(notes, std::uint32_t{0x1000});
    Elf64_Phdr segment{};
    segment.p_type = PT_NOTE;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = notes.size();
    Data elf;
    append(elf, header);
    append(elf, segment);
    elf.insert(elf.end(), notes.begin(), notes.end());
    std::mt19937 random(4711); // NOLINT: the same bytes each time
    for (std::size_t i = 0; i < filler; ++i) {
        elf.push_back(static_cast<unsigned char>(random() % 7));
    }
    return elf;
}

Data make_bzimage(const Data& payload, std::uint16_t protocol = 0x20f) {
    Data image(5 * 512, 0);
    image[0x1f1] = 4;
    const std::uint16_t boot_flag = 0xaa55;
    std::memcpy(&image[0x1fe], &boot_flag, 2);
    std::memcpy(&image[0x202], "HdrS", 4);
    std::memcpy(&image[0x206], &protocol, 2);
    const std::uint32_t offset = 0x40;
    const auto length = static_cast<std::uint32_t>(payload.size());
    std::memcpy(&image[0x248], &offset, 4);
    std::memcpy(&image[0x24c], &length, 4);
    image.resize(image.size() + offset);
    image.insert(image.end(), payload.begin(), payload.end());
    image.resize(image.size() + 100); // what stands behind a payload in real images
    return image;
}

Data with_size(Data payload, std::size_t size) {
    append(payload, static_cast<std::uint32_t>(size));
    return payload;
}

Data gzip(const Data& in) {
    Data out(in.size() + 1000);
    z_stream stream{};
    BOOST_REQUIRE_EQUAL(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = const_cast<unsigned char*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    BOOST_REQUIRE_EQUAL(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

Data xz(const Data& in) {
    Data out(in.size() + 1000);
    std::size_t used = 0;
    lzma_options_lzma options{};
    lzma_lzma_preset(&options, 6);
    lzma_filter filters[] = {// as the kernel's xz_wrap.sh does for x86
                             {LZMA_FILTER_X86, nullptr},
                             {LZMA_FILTER_LZMA2, &options},
                             {LZMA_VLI_UNKNOWN, nullptr}};
    BOOST_REQUIRE_EQUAL(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, nullptr, in.data(),
                                                  in.size(), out.data(), &used, out.size()),
                        LZMA_OK);
    out.resize(used);
    return out;
}

Data lzma(const Data& in) {
    Data out(in.size() + 1000);
    lzma_options_lzma options{};
    lzma_lzma_preset(&options, 6);
    lzma_stream stream = LZMA_STREAM_INIT;
    BOOST_REQUIRE_EQUAL(lzma_alone_encoder(&stream, &options), LZMA_OK);
    stream.next_in = in.data();
    stream.avail_in = in.size();
    stream.next_out = out.data();
    stream.avail_out = out.size();
    BOOST_REQUIRE_EQUAL(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
    out.resize(stream.total_out);
    lzma_end(&stream);
    return out;
}

Data lz4(const Data& in, std::size_t block = 8UL * 1024 * 1024) {
    Data out{0x02, 0x21, 0x4c, 0x18};
    for (std::size_t at = 0; at < in.size(); at += block) {
        const auto size = static_cast<int>(std::min(block, in.size() - at));
        Data packed(static_cast<std::size_t>(LZ4_compressBound(size)));
        const int got = LZ4_compress_HC(reinterpret_cast<const char*>(in.data() + at),
                                        reinterpret_cast<char*>(packed.data()), size,
                                        static_cast<int>(packed.size()), 9);
        append(out, static_cast<std::uint32_t>(got));
        out.insert(out.end(), packed.begin(), packed.begin() + got);
    }
    return out;
}

Data zstd(const Data& in) {
    Data out(ZSTD_compressBound(in.size()));
    out.resize(ZSTD_compress(out.data(), out.size(), in.data(), in.size(), 19));
    return out;
}

struct Format {
    const char* name;
    std::function<Data(const Data&)> compress;
};

const std::vector<Format>& formats() {
    static const std::vector<Format> all{
        {"gzip", gzip},
        {"xz", xz},
        {"lzma", lzma},
        {"lz4", [](const Data& in) { return lz4(in); }},
        {"lz4 in blocks", [](const Data& in) { return lz4(in, 8UL * 1024 * 1024); }},
        {"zstd", zstd},
        {"none", [](const Data& in) { return in; }}};
    return all;
}

Data unpack(const Data& image, std::size_t room = 64UL * 1024 * 1024) {
    Data out(room);
    out.resize(mshv::kernelimage::unpack(mshv::kernelimage::payload_of(image), out));
    return out;
}

Verdict verdict_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Rejected& rejected) {
        return rejected.verdict();
    }
    return Verdict::unpacked;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_compression_gives_the_same_bytes) {
    const Data elf = make_elf(Pvh::yes);
    for (const auto& format : formats()) {
        BOOST_TEST_CONTEXT(format.name) {
            const Data packed = format.compress(elf);
            const std::string name = format.name;
            // Stored images have no size behind them; all others do.
            const Data out =
                unpack(make_bzimage(name == "none" ? packed : with_size(packed, elf.size())));
            BOOST_TEST((out == elf));
            BOOST_TEST(mshv::kernelimage::has_pvh_note(out));
        }
    }
}

BOOST_AUTO_TEST_CASE(several_lz4_blocks_are_joined) {
    const Data elf = make_elf(Pvh::yes, 20'000'000);
    BOOST_TEST((unpack(make_bzimage(with_size(lz4(elf), elf.size()))) == elf));
}

BOOST_AUTO_TEST_CASE(a_kernel_without_the_note_is_told_apart) {
    BOOST_TEST(!mshv::kernelimage::has_pvh_note(make_elf(Pvh::no)));
}

BOOST_AUTO_TEST_CASE(output_is_bounded) {
    const Data elf = make_elf(Pvh::yes);
    for (const auto& format : formats()) {
        BOOST_TEST_CONTEXT(format.name) {
            const Data image = make_bzimage(with_size(format.compress(elf), elf.size()));
            const auto verdict = verdict_of([&] { unpack(image, 50'000); });
            BOOST_TEST((verdict == Verdict::too_big));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_kernel_is_refused) {
    BOOST_TEST((verdict_of([] { unpack(Data{}); }) == Verdict::not_a_kernel));
    BOOST_TEST((verdict_of([] { unpack(Data(100'000, 0)); }) == Verdict::not_a_kernel));
    const auto old = make_bzimage(make_elf(Pvh::yes), 0x207);
    BOOST_TEST((verdict_of([&] { unpack(old); }) == Verdict::not_a_kernel));
    auto beyond = make_bzimage(make_elf(Pvh::yes));
    beyond.resize(3000);
    BOOST_TEST((verdict_of([&] { unpack(beyond); }) == Verdict::not_a_kernel));
    const auto bzip2 = make_bzimage({'B', 'Z', 'h', '9', 1, 2, 3, 4, 5});
    BOOST_TEST((verdict_of([&] { unpack(bzip2); }) == Verdict::unknown_format));
    const Data text{'h', 'e', 'l', 'l', 'o', '!', '!', '!'};
    BOOST_TEST(
        (verdict_of([&] { (void)mshv::kernelimage::has_pvh_note(text); }) == Verdict::not_elf));
}

BOOST_AUTO_TEST_CASE(no_damage_reaches_memory) {
    // Every image cut off or with bytes turned over: a verdict or the (possibly wrong) output, and
    // nothing worse; the sanitizers watch.
    const Data elf = make_elf(Pvh::yes, 3000);
    std::mt19937 random(1); // NOLINT: the same damage each time
    for (const auto& format : formats()) {
        const Data image = make_bzimage(with_size(format.compress(elf), elf.size()));
        for (int round = 0; round < 300; ++round) {
            Data bad = image;
            if (round % 3 == 0) {
                bad.resize(random() % bad.size());
            } else {
                for (int i = 0; i < 4 && !bad.empty(); ++i) {
                    bad[random() % bad.size()] = static_cast<unsigned char>(random());
                }
            }
            (void)verdict_of([&] {
                const Data out = unpack(bad, 1UL * 1024 * 1024);
                (void)mshv::kernelimage::has_pvh_note(out);
            });
        }
    }
}
