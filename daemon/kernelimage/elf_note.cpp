// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/elf_note.hpp"

#include <cstdint>
#include <cstring>
#include <elf.h>

namespace mshv::kernelimage {
namespace {

constexpr Elf64_Word phys32_entry = 18;

template <typename T>
bool read_at(Bytes bytes, std::uint64_t offset, T& value) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof value) {
        return false;
    }
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return true;
}

bool notes_have_entry(Bytes notes) {
    constexpr auto aligned = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
    std::uint64_t offset = 0;
    Elf64_Nhdr note{};
    while (read_at(notes, offset, note)) {
        const std::uint64_t name = offset + sizeof note;
        const std::uint64_t next = name + aligned(note.n_namesz) + aligned(note.n_descsz);
        if (next > notes.size()) {
            return false;
        }
        if (note.n_type == phys32_entry && note.n_namesz == sizeof "Xen" &&
            std::memcmp(notes.data() + name, "Xen", sizeof "Xen") == 0) {
            return true;
        }
        offset = next;
    }
    return false;
}

} // namespace

bool has_pvh_entry(Bytes elf) {
    Elf64_Ehdr header{};
    if (!read_at(elf, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr)) {
        return false;
    }
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment{};
        if (!read_at(elf, header.e_phoff + i * sizeof segment, segment)) {
            return false;
        }
        if (segment.p_type == PT_NOTE && segment.p_offset <= elf.size() &&
            segment.p_filesz <= elf.size() - segment.p_offset &&
            notes_have_entry(elf.subspan(segment.p_offset, segment.p_filesz))) {
            return true;
        }
    }
    return false;
}

} // namespace mshv::kernelimage
