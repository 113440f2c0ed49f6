// SPDX-License-Identifier: Apache-2.0
//
// From the loader to the root's first instruction.
#include "tests/standin/boot/acpi.hpp"
#include "tests/standin/boot/linux_loader.hpp"
#include "tests/standin/boot/loader.hpp"
#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/faults/injection.hpp"
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/lp.hpp"
#include "tests/standin/lp/mtrr.hpp"
#include "tests/standin/memory/page_allocator.hpp"
#include "tests/standin/options/options.hpp"
#include "tests/standin/partition/power.hpp"
#include "tests/standin/root/root_partition.hpp"
#include "tests/standin/root/root_vp.hpp"
#include "tests/standin/svm/processor.hpp"
#include "tests/standin/vp/extended_state.hpp"
#include "tests/standin/vp/run_queues.hpp"
#include "tests/standin/vp/trapping.hpp"

// Of hypervisor.ld.
extern "C" mshv::standin::u8 image_begin[], pool_begin[], pool_end[], window_begin[], image_end[];

namespace mshv::standin {
namespace {

/// A page below 1 MiB that the processors start in. The root uses it as it likes later.
constexpr PhysicalAddress start_page = 0x8000;
constinit MemoryMap map;
constinit acpi::Facts facts;

Options read_options(std::string_view line) {
    Options options;
    std::string_view wrong;
    if (!parse_options(line, options, wrong)) {
        Log() << "option " << wrong << " is unknown or makes no sense";
        panic("unknown option");
    }
    return options;
}

void arm(const faults::Plan& plan) {
    for (const faults::CallFault& fault : plan.calls) {
        if (fault.status == Status::call_pending && !hypercall::may_pend(fault.code)) {
            panic("no such call may be answered before it is done", fault.code);
        }
    }
    faults::set_plan(plan);
}

} // namespace

extern "C" [[noreturn]] void hypervisor_main(u32 magic, PhysicalAddress info) {
    open_log();
    Log() << "standin 1";
    const Handover& handover = read_loader(magic, info);
    const Options options = read_options(handover.options);
    acpi::read(handover.acpi_root_pointer, facts);
    const PhysicalAddress begin = address_of(image_begin);
    const PhysicalAddress end = address_of(image_end);
    give_pages(address_of(pool_begin), address_of(pool_end));
    map = handover.map;
    if (!map.carve(begin, end - begin, MemoryRange::reserved)) {
        panic("the memory map is too long");
    }
    for (const MemoryRange& range : map.ranges()) {
        Log() << "memory " << Hex{range.base} << ' ' << Hex{range.length} << " type " << range.type;
    }
    mtrr::save();
    start_lps({facts.lp_apic_ids, facts.lp_count}, start_page);
    Log() << "lp 0 up";
    svm::enable(this_lp());
    extended_state::enable();
    trapping::start();
    clock::start(facts.pm_timer, facts.pm_timer_is_wide);
    power::set_ports(facts.pm1a_control, facts.pm1b_control);
    make_root(options,
              {begin, address_of(window_begin), address_of(window_begin), end, map.ranges()});
    if (options.lab) {
        hypercall::allow_lab_calls();
    }
    if (options.schedules) {
        run_queues::start();
    }
    arm(options.faults);
    const LinuxEntry entry = load_linux(
        {handover.kernel, handover.initrd, handover.kernel_arguments, handover.acpi_root_pointer},
        map);
    Log() << "root starts";
    run_root_from(this_lp(), entry);
}

extern "C" void processor_main(u32 index) {
    Lp& lp = lps()[index];
    mtrr::load();
    enter_lp(lp);
    Log() << "lp " << index << " up";
    svm::enable(lp);
    extended_state::enable();
    run_root_when_started(lp);
}

} // namespace mshv::standin
