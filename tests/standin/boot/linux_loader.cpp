// SPDX-License-Identifier: Apache-2.0
//
// Source: Linux, Documentation/arch/x86/boot.rst and zero-page.rst (the 64-bit boot protocol).
#include "tests/standin/boot/linux_loader.hpp"

#include "tests/standin/console/log.hpp"

namespace mshv::standin {
namespace {

// Below 640 KiB, where no kernel is loaded and the kernel itself takes what it needs last.
constexpr PhysicalAddress boot_parameters = 0x10000;
constexpr PhysicalAddress command_line_at = 0x11000;
constexpr PhysicalAddress page_tables = 0x12000; // two pages
constexpr PhysicalAddress gdt = 0x14000;
constexpr PhysicalAddress root_pointer_at = 0x15000;
constexpr PhysicalAddress below_kernels = 0x100000;
constexpr std::size_t longest_command_line = 2047;

namespace header {
constexpr u64 begin = 0x1F1;
constexpr u64 setup_sectors = 0x1F1;
constexpr u64 jump_distance = 0x201;
constexpr u64 magic = 0x202;
constexpr u64 version = 0x206;
constexpr u64 loader = 0x210;
constexpr u64 initrd_address = 0x218;
constexpr u64 initrd_size = 0x21C;
constexpr u64 command_line = 0x228;
constexpr u64 initrd_highest = 0x22C;
constexpr u64 xload_flags = 0x236;
constexpr u64 preferred_address = 0x258;
constexpr u64 init_size = 0x260;
} // namespace header
namespace zero_page {
constexpr u64 root_pointer = 0x070;
constexpr u64 range_count = 0x1E8;
constexpr u64 ranges = 0x2D0;
} // namespace zero_page

template <typename T>
T get(PhysicalAddress base, u64 offset) {
    T value{};
    __builtin_memcpy(&value, at<const u8>(base + offset), sizeof(T));
    return value;
}
template <typename T>
void put(PhysicalAddress base, u64 offset, T value) {
    __builtin_memcpy(at<u8>(base + offset), &value, sizeof(T));
}

void check_image(std::span<const u8> image) {
    constexpr u32 hdrs = 0x53726448;
    const PhysicalAddress base = address_of(image.data());
    if (image.size() < 4096 || get<u32>(base, header::magic) != hdrs) {
        panic("the first module is no Linux kernel");
    }
    constexpr u16 oldest = 0x20C;
    if (get<u16>(base, header::version) < oldest ||
        (get<u16>(base, header::xload_flags) & 1) == 0) {
        panic("the kernel has no 64-bit entry");
    }
}

void write_tables() {
    constexpr u64 writable_entry = 3;
    constexpr u64 large_entry = 0x83;
    put<u64>(page_tables, 0, (page_tables + page_size) | writable_entry);
    for (u64 i = 0; i < 512; ++i) {
        put<u64>(page_tables + page_size, i * 8, i * huge_page_size | large_entry);
    }
    put<u64>(gdt, 0x00, 0);
    put<u64>(gdt, 0x08, 0);
    put<u64>(gdt, 0x10, 0x00AF9B000000FFFF);
    put<u64>(gdt, 0x18, 0x00CF93000000FFFF);
}

/// Not onto `image`, which is still to be moved itself.
PhysicalAddress move_initrd(std::span<const u8> initrd, u64 highest, u64 kernel_end,
                            std::span<const u8> image, const MemoryMap& map) {
    if (initrd.empty()) {
        return 0;
    }
    MemoryMap free = map;
    if (!free.carve(address_of(image.data()), image.size(), MemoryRange::reserved)) {
        panic("the memory map is too long");
    }
    const u64 limit = highest + 1 < 0x1'0000'0000 ? highest + 1 : 0x1'0000'0000;
    const PhysicalAddress place = free.find(initrd.size(), page_size, kernel_end, limit);
    if (place == 0) {
        panic("no room for the initial RAM disk", initrd.size());
    }
    __builtin_memmove(at<u8>(place), initrd.data(), initrd.size());
    return place;
}

} // namespace

LinuxEntry load_linux(const LinuxImage& linux, const MemoryMap& map) {
    const auto& [image, initrd, command_line, root_pointer] = linux;
    check_image(image);
    const PhysicalAddress base = address_of(image.data());
    if (base < below_kernels || (!initrd.empty() && address_of(initrd.data()) < below_kernels)) {
        panic("a module lies below 1 MiB");
    }
    if (command_line.size() > longest_command_line) {
        panic("the kernel's command line is too long", command_line.size());
    }
    // All that is still needed of the image's first sectors, before they may be overwritten.
    const u64 load_at = get<u64>(base, header::preferred_address);
    const u64 init_size = get<u32>(base, header::init_size);
    const u64 sectors = get<u8>(base, header::setup_sectors);
    const u64 setup_size = ((sectors == 0 ? 4 : sectors) + 1) * 512;
    __builtin_memset(at<u8>(boot_parameters), 0, page_size);
    const u64 header_end = header::magic + get<u8>(base, header::jump_distance);
    __builtin_memcpy(at<u8>(boot_parameters + header::begin), at<u8>(base + header::begin),
                     header_end - header::begin);
    if (map.find(init_size, page_size, load_at, load_at + init_size) != load_at) {
        panic("the memory at the kernel's preferred address is not free", load_at);
    }

    const u64 highest = get<u32>(boot_parameters, header::initrd_highest);
    const PhysicalAddress initrd_at = move_initrd(initrd, highest, load_at + init_size, image, map);
    __builtin_memmove(at<u8>(load_at), image.data() + setup_size, image.size() - setup_size);

    __builtin_memcpy(at<u8>(command_line_at), command_line.data(), command_line.size());
    put<u8>(command_line_at, command_line.size(), 0);
    if (!root_pointer.empty()) {
        __builtin_memcpy(at<u8>(root_pointer_at), root_pointer.data(), root_pointer.size());
        put<u64>(boot_parameters, zero_page::root_pointer, root_pointer_at);
    }
    put<u8>(boot_parameters, header::loader, 0xFF);
    put<u32>(boot_parameters, header::initrd_address, static_cast<u32>(initrd_at));
    put<u32>(boot_parameters, header::initrd_size, static_cast<u32>(initrd.size()));
    put<u32>(boot_parameters, header::command_line, static_cast<u32>(command_line_at));
    u8 count = 0;
    for (const MemoryRange& range : map.ranges()) {
        put(boot_parameters, zero_page::ranges + u64{count++} * sizeof(range), range);
    }
    put<u8>(boot_parameters, zero_page::range_count, count);
    write_tables();
    return {load_at + 0x200, boot_parameters, page_tables, gdt, 31};
}

} // namespace mshv::standin
