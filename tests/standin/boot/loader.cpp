// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/boot/loader.hpp"

#include "tests/standin/boot/multiboot.hpp"
#include "tests/standin/boot/multiboot2.hpp"
#include "tests/standin/console/log.hpp"
#include "tests/standin/freestanding/text.hpp"

namespace mshv::standin {
namespace {

constexpr std::size_t longest_text = 2048;
constexpr std::size_t longest_root_pointer = 36;

constinit Handover handover;
constinit char own_line[longest_text] = {};
constinit char kernel_line[longest_text] = {};
alignas(16) constinit u8 root_pointer[longest_root_pointer] = {};

std::string_view keep(char* to, std::string_view text) {
    if (text.size() > longest_text) {
        panic("a command line is too long", text.size());
    }
    __builtin_memcpy(to, text.data(), text.size());
    return {to, text.size()};
}

void add_range(const MemoryRange& range) {
    if (!handover.map.add(range)) {
        panic("the memory map is too long");
    }
}

/// The first module is the kernel, the second its initial RAM disk.
void add_module(PhysicalAddress begin, PhysicalAddress end, std::string_view text) {
    const std::span<const u8> bytes(at<const u8>(begin), end - begin);
    if (handover.kernel.empty()) {
        handover.kernel = bytes;
        handover.kernel_arguments = keep(kernel_line, text);
    } else if (handover.initrd.empty()) {
        handover.initrd = bytes;
    }
}

void read(const multiboot::Info& info) {
    using namespace multiboot;
    constexpr u32 needed = has_command_line | has_modules | has_map;
    if ((info.flags & needed) != needed) {
        panic("the loader gave no command line, no modules or no memory map", info.flags);
    }
    for (PhysicalAddress where = info.map; where < info.map + info.map_length;) {
        const auto& entry = *at<const MapEntry>(where);
        add_range({entry.base, entry.length, entry.type});
        where += entry.size + sizeof(entry.size);
    }
    handover.options = keep(own_line, at<const char>(info.command_line));
    for (u32 i = 0; i < info.module_count; ++i) {
        const auto& module = at<const Module>(info.modules)[i];
        add_module(module.begin, module.end, at<const char>(module.text));
    }
    // QEMU's lines begin with the name of the file, GRUB's do not.
    if ((info.flags & has_loader_name) != 0 &&
        std::string_view(at<const char>(info.loader_name)) == "qemu") {
        next_word(handover.options);
        next_word(handover.kernel_arguments);
    }
}

void read_tag(PhysicalAddress where) {
    using namespace multiboot2;
    const auto& tag = *at<const Tag>(where);
    switch (tag.type) {
    case tag_command_line:
        handover.options = keep(own_line, at<const char>(where + sizeof(Tag)));
        break;
    case tag_module: {
        const auto& module = *at<const Module>(where);
        add_module(module.begin, module.end, at<const char>(where + sizeof(Module)));
        break;
    }
    case tag_map: {
        const u32 step = at<const Map>(where)->entry_size;
        for (u64 i = sizeof(Map); i + step <= tag.size; i += step) {
            const auto& entry = *at<const MapEntry>(where + i);
            add_range({entry.base, entry.length, entry.type});
        }
        break;
    }
    case tag_acpi_old:
    case tag_acpi_new: {
        // A copy already, but in memory that is about to become the root's.
        const u64 size = tag.size - sizeof(Tag);
        if (size <= longest_root_pointer) {
            __builtin_memcpy(root_pointer, at<const u8>(where + sizeof(Tag)), size);
            handover.acpi_root_pointer = {root_pointer, size};
        }
        break;
    }
    default:
        break;
    }
}

void read(const multiboot2::Info& info) {
    using namespace multiboot2;
    const PhysicalAddress begin = address_of(&info);
    for (PhysicalAddress where = begin + sizeof(Info); where < begin + info.total_size;) {
        const auto& tag = *at<const Tag>(where);
        if (tag.type == tag_end) {
            break;
        }
        read_tag(where);
        where = align_up(where + tag.size, 8);
    }
}

} // namespace

const Handover& read_loader(u32 magic, PhysicalAddress info) {
    if (magic == multiboot::loader_magic) {
        read(*at<const multiboot::Info>(info));
    } else if (magic == multiboot2::loader_magic) {
        read(*at<const multiboot2::Info>(info));
    } else {
        panic("not started by a multiboot loader", magic);
    }
    if (handover.kernel.empty()) {
        panic("the loader brought no kernel");
    }
    return handover;
}

} // namespace mshv::standin
