// SPDX-License-Identifier: Apache-2.0
//
// From the loader to the root's first instruction.
#include "tests/standin/boot/acpi.hpp"
#include "tests/standin/boot/linux_loader.hpp"
#include "tests/standin/boot/memory_map.hpp"
#include "tests/standin/boot/multiboot.hpp"
#include "tests/standin/boot/options.hpp"
#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/lp.hpp"
#include "tests/standin/lp/mtrr.hpp"
#include "tests/standin/memory/page_allocator.hpp"
#include "tests/standin/partition/power.hpp"
#include "tests/standin/root/root_partition.hpp"
#include "tests/standin/root/root_vp.hpp"
#include "tests/standin/svm/processor.hpp"

// Of hypervisor.ld.
extern "C" mshv::standin::u8 image_begin[], pool_begin[], pool_end[], window_begin[], image_end[];

namespace mshv::standin {
namespace {

/// A page below 1 MiB that the processors start in. The root uses it as it likes later.
constexpr PhysicalAddress start_page = 0x8000;
constexpr std::size_t longest_text = 2048;

/// What the loader said, copied out of the memory that is the root's.
struct Boot {
    MemoryMap map;
    std::span<const u8> kernel, initrd;
    char own_line[longest_text] = {};
    std::string_view own;
    char kernel_line[longest_text] = {};
    std::string_view kernel_arguments;
};
constinit Boot boot;
constinit acpi::Facts facts;

std::string_view keep(char* to, PhysicalAddress text) {
    const std::string_view all(at<const char>(text));
    if (all.size() > longest_text) {
        panic("a command line is too long", all.size());
    }
    __builtin_memcpy(to, all.data(), all.size());
    return {to, all.size()};
}

std::span<const u8> bytes_of(const multiboot::Module& module) {
    return {at<const u8>(module.begin), module.end - module.begin};
}

void read_map(const multiboot::Info& info) {
    for (PhysicalAddress where = info.map; where < info.map + info.map_length;) {
        const auto& entry = *at<const multiboot::MapEntry>(where);
        if (!boot.map.add({entry.base, entry.length, entry.type})) {
            panic("the memory map is too long");
        }
        where += entry.size + sizeof(entry.size);
    }
}

void read_loader(u32 magic, const multiboot::Info& info) {
    using namespace multiboot;
    constexpr u32 needed = has_command_line | has_modules | has_map;
    if (magic != loader_magic || (info.flags & needed) != needed || info.module_count == 0) {
        panic("not started by a multiboot loader with a kernel as module", magic);
    }
    read_map(info);
    boot.own = keep(boot.own_line, info.command_line);
    const auto* modules = at<const Module>(info.modules);
    boot.kernel = bytes_of(modules[0]);
    boot.kernel_arguments = keep(boot.kernel_line, modules[0].text);
    next_word(boot.kernel_arguments); // the file's name
    if (info.module_count > 1) {
        boot.initrd = bytes_of(modules[1]);
    }
}

} // namespace

extern "C" [[noreturn]] void hypervisor_main(u32 magic, const multiboot::Info* info) {
    open_log();
    Log() << "standin 1";
    read_loader(magic, *info);
    const Options options = parse_options(boot.own);
    acpi::read(facts);
    const PhysicalAddress begin = address_of(image_begin);
    const PhysicalAddress end = address_of(image_end);
    give_pages(address_of(pool_begin), address_of(pool_end));
    if (!boot.map.carve(begin, end - begin, MemoryRange::reserved)) {
        panic("the memory map is too long");
    }
    for (const MemoryRange& range : boot.map.ranges()) {
        Log() << "memory " << Hex{range.base} << ' ' << Hex{range.length} << " type " << range.type;
    }
    mtrr::save();
    start_lps({facts.lp_apic_ids, facts.lp_count}, start_page);
    Log() << "lp 0 up";
    svm::enable(this_lp());
    clock::start(facts.pm_timer, facts.pm_timer_is_wide);
    power::set_ports(facts.pm1a_control, facts.pm1b_control);
    make_root(options, {begin, address_of(window_begin), address_of(window_begin), end});
    const LinuxEntry entry =
        load_linux(boot.kernel, boot.initrd, boot.kernel_arguments, boot.map);
    Log() << "root starts";
    run_root_from(this_lp(), entry);
}

extern "C" void processor_main(u32 index) {
    Lp& lp = lps()[index];
    mtrr::load();
    enter_lp(lp);
    Log() << "lp " << index << " up";
    svm::enable(lp);
    run_root_when_started(lp);
}

} // namespace mshv::standin
