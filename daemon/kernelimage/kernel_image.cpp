// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/kernel_image.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <elf.h>

namespace mshv::kernelimage {
namespace {

template <typename T>
T read_at(Bytes data, std::size_t offset, Verdict otherwise, const char* why) {
    if (offset > data.size() || data.size() - offset < sizeof(T)) {
        throw Rejected(otherwise, why);
    }
    T value{};
    std::memcpy(&value, data.data() + offset, sizeof value); // x86: little-endian on both sides
    return value;
}

/// `data[offset, offset + size)`, or nothing when that is not all inside.
Bytes part(Bytes data, std::uint64_t offset, std::uint64_t size) {
    if (offset > data.size() || size > data.size() - offset) {
        return {};
    }
    return data.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

constexpr std::size_t aligned(std::size_t size) {
    return (size + 3) & ~std::size_t{3};
}

bool notes_have_pvh(Bytes notes) {
    constexpr std::uint32_t pvh_entry = 18; // XEN_ELFNOTE_PHYS32_ENTRY
    constexpr std::array<unsigned char, 4> owner{'X', 'e', 'n', '\0'};
    while (notes.size() >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr header{};
        std::memcpy(&header, notes.data(), sizeof header);
        const std::size_t whole =
            sizeof header + aligned(header.n_namesz) + aligned(header.n_descsz);
        if (whole > notes.size()) {
            return false;
        }
        if (header.n_type == pvh_entry && header.n_namesz == owner.size() &&
            std::equal(owner.begin(), owner.end(), notes.begin() + sizeof header)) {
            return true;
        }
        notes = notes.subspan(whole);
    }
    return false;
}

} // namespace

Bytes payload_of(Bytes image) {
    const auto field = [&]<typename T>(std::size_t offset, T /*type*/) {
        return read_at<T>(image, offset, Verdict::not_a_kernel, "it is too short for a kernel");
    };
    constexpr std::uint32_t header_magic = 0x53726448; // "HdrS"
    if (field(0x1fe, std::uint16_t{}) != 0xaa55 || field(0x202, std::uint32_t{}) != header_magic) {
        throw Rejected(Verdict::not_a_kernel, "it has no Linux boot header");
    }
    if (field(0x206, std::uint16_t{}) < 0x208) {
        throw Rejected(Verdict::not_a_kernel, "its boot protocol is older than 2.08");
    }
    const auto setup_sectors = field(0x1f1, std::uint8_t{});
    const std::uint64_t start = (std::uint64_t{setup_sectors == 0 ? 4U : setup_sectors} + 1) * 512;
    const Bytes payload =
        part(image, start + field(0x248, std::uint32_t{}), field(0x24c, std::uint32_t{}));
    if (payload.empty()) {
        throw Rejected(Verdict::not_a_kernel, "its payload is not inside the file");
    }
    return payload;
}

bool looks_like_elf(Bytes data) {
    return data.size() >= SELFMAG && std::memcmp(data.data(), ELFMAG, SELFMAG) == 0;
}

bool has_pvh_note(Bytes elf) {
    if (!looks_like_elf(elf)) {
        throw Rejected(Verdict::not_elf, "it holds no ELF file");
    }
    const auto header = read_at<Elf64_Ehdr>(elf, 0, Verdict::not_elf, "its ELF header is cut off");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 ||
        header.e_phentsize != sizeof(Elf64_Phdr)) {
        throw Rejected(Verdict::not_elf, "it is no x86-64 ELF file");
    }
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        const Bytes raw = part(elf, header.e_phoff + i * sizeof(Elf64_Phdr), sizeof(Elf64_Phdr));
        if (raw.empty()) {
            throw Rejected(Verdict::not_elf, "its program headers are cut off");
        }
        Elf64_Phdr segment{};
        std::memcpy(&segment, raw.data(), sizeof segment);
        if (segment.p_type == PT_NOTE &&
            notes_have_pvh(part(elf, segment.p_offset, segment.p_filesz))) {
            return true;
        }
    }
    return false;
}

} // namespace mshv::kernelimage
