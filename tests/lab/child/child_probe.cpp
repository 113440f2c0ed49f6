// SPDX-License-Identifier: Apache-2.0
//
// A root partition that makes children and checks what they run into and how they are interrupted.
#include "tests/lab/child/parent.hpp"
#include "tests/standin/tlfs/msr.hpp"
#include "tests/standin/tlfs/synthetic_feature.hpp"

extern "C" {
extern const mshv::standin::u8 payload_port[], payload_memory[], payload_triple_fault[],
    payload_halt[], payload_handler[], payload_timers[], payload_assisted[],
    payload_assisted_handler[], payload_starter[], payload_started[], payload_cpuid[],
    payload_doorbell[], payload_spin[], payload_vectors[], payload_long[];
}

namespace mshv::standin::probe {
namespace {

namespace type = intercept::message_type;

constexpr u64 code_at = 0x1000, handler_at = 0x1100, second_at = 0x2000;
constexpr u32 rax = 0x20000;
constinit Child child;

void begin(const u8* code) {
    child.begin(synthetic::all);
    child.add_vp(0);
    child.load(code, code_at);
    child.load(payload_handler, handler_at);
    for (const u32 vector : {0x40U, 0x41U}) {
        const u32 entry = handler_at;
        __builtin_memcpy(child.memory(vector * 4), &entry, sizeof(entry));
    }
    child.enter(0, code_at);
}

/// The VP's next intercept is an access to this port, which is skipped.
bool reaches_port(u32 vp, u16 port) {
    const bool is = child.run_to_intercept(vp) == type::io_port &&
                    child.message<intercept::IoPort>(vp).port == port;
    if (is) {
        child.skip(vp);
    } else {
        const auto& header = child.message<intercept::Header>(vp);
        say(false, "instead of the port", child.message_type(vp));
        say(false, "rip", header.rip);
    }
    return is;
}

void check_states() {
    input = {};
    input.words[0] = 1U << 8 | 1U << 13;
    (void)call_with_deposits(self, 0x40, &input, &output);
    const u64 id = output.words[0];
    input = {};
    input.words[0] = id;
    say(call(0x4E, &input, nullptr).status == Status::invalid_partition_state,
        "no VP before it is initialized");
    input.words[2] = 1;
    input.words[3] = 1;
    say(call(0x4B, &input, nullptr, 1).status == Status::invalid_partition_state,
        "no memory before it is initialized");
    say(call(0x41, &input, nullptr).status == Status::insufficient_memory,
        "no page, no initialization");
    say(call(0x43, &input, nullptr).status == Status::success, "it is deleted as it is");
    say(call(0x43, &input, nullptr).status == Status::invalid_partition_id, "once");
}

void check_ports() {
    begin(payload_port);
    const Dispatch first = child.run(0);
    if (root_schedules()) {
        say(first.state == 1 && first.event == 1, "a new VP is suspended", first.event);
        (void)child.set(0, 0, 0);
        say(child.get(0, 0x90014) == 1, "to be told when it is not");
    } else {
        say(first.status == Status::operation_denied, "the root has nothing to dispatch",
            static_cast<u64>(first.status));
    }
    say(child.run_to_intercept(0) == type::io_port, "it runs to its first port");
    const auto& message = child.message<intercept::IoPort>(0);
    say(message.port == 0x10 && (message.info & 7) == 1 && (message.rax & 0xFF) == 0x41 &&
            message.header.access == intercept::Access::write,
        "and says what it writes");
    say((message.header.length_and_cr8 & 0xF) == 1 && message.bytes[0] == 0xEE &&
            message.header.rip == code_at + 5,
        "and by which instruction", message.header.rip);
    say(child.registers(0)[2] == 1 && child.registers(0)[8] == 0x41, "the register page says so");
    child.skip(0);
    say(child.run_to_intercept(0) == type::io_port &&
            child.message<intercept::IoPort>(0).port == 0x11,
        "it reads the second port");
    // By the register page: AL and RIP.
    u8* const page = child.registers(0);
    page[8] = 0x77;
    *at<u64>(address_of(page) + 0x88) += 2;
    *at<u32>(address_of(page) + 4) = 3;
    say(child.run_to_intercept(0) == type::io_port &&
            child.message<intercept::IoPort>(0).port == 0x12 &&
            (child.message<intercept::IoPort>(0).rax & 0xFF) == 0x77,
        "and gets what the register page gives");
    child.skip(0);
    say(child.run_to_block(0), "then it halts");
    child.end();
}

void check_memory() {
    begin(payload_memory);
    (void)child.map(4 * page_size, nullptr, 1U << 16);
    say(child.run_to_intercept(0) == type::unmapped_gpa, "nothing is mapped there");
    const auto& message = child.message<intercept::MemoryAccess>(0);
    say(message.gpa == 0xD0000040 && message.header.access == intercept::Access::write &&
            message.byte_count == 15 && message.bytes[0] == 0x64,
        "the write has its bytes", message.gpa);
    say(message.gva == 0xD0000040 && message.info == 3, "and its linear address", message.gva);
    say((message.header.length_and_cr8 & 0xF) == 10, "and its length",
        message.header.length_and_cr8);
    child.skip(0);
    say(child.run_to_intercept(0) == type::unmapped_gpa && message.gpa == 0xD0000044 &&
            message.header.access == intercept::Access::read,
        "so has the read");
    child.skip(0);
    say(child.run_to_intercept(0) == type::gpa_intercept && message.gpa == 0x3000,
        "a write to a page that is read only");
    child.skip(0);
    say(child.run_to_intercept(0) == type::gpa_intercept && message.gpa == 0x4000,
        "a page without access");
    Page* const page = next_page();
    *page = {};
    say(child.map(4 * page_size, page, 0xF) == Status::success, "is mapped");
    say(child.run_to_block(0), "and the instruction goes on");
    // What was touched is noted.
    input = {};
    input.words[0] = child.id();
    input.words[1] = 0;
    input.words[2] = 0;
    (void)call_with_deposits(child.id(), 0xC9, &input, &output, 6);
    const auto* const noted = at<u8>(address_of(&output));
    say((noted[1] & 1) == 1 && (noted[4] & 3) == 3 && noted[5] == 0, "what was touched is noted",
        output.words[0]);
    say(child.unmap(4 * page_size, 1) == Status::success, "it is unmapped");
    child.end();
}

void check_triple_fault() {
    begin(payload_triple_fault);
    (void)child.set(0, 0x70000, 0); // no interrupt table
    say(child.run_to_intercept(0) == type::unrecoverable, "a triple fault");
    child.end();
}

/// By the state of its APIC, whose LINT0 is what the old controllers' line is connected to.
void let_old_controllers_in() {
    constexpr u64 lapic = 0x80000000;
    static Page state;
    static Page in, out;
    in = {};
    in.words[0] = child.id();
    in.words[1] = 0;
    in.words[2] = lapic;
    in.words[5] = address_of(&state) / page_size;
    say(call(0xE3, &in, &out, 0, 0, 1).status == Status::success &&
            at<u32>(address_of(&state))[1] == 0x50014,
        "the APIC's state is read");
    constexpr std::size_t lint0 = 35;
    constexpr u32 external = 0x700;
    at<u32>(address_of(&state))[lint0] = external;
    say(call(0xE4, &in, nullptr, 0, 0, 1).status == Status::success, "and written");
}

void check_halt() {
    begin(payload_halt);
    (void)child.set(0, 0, 0);
    say(child.run_to_block(0), "HLT blocks");
    const u64 before = child.get(0, 0x90014);
    (void)child.assert_interrupt(0, 0, 0x40);
    say(child.get(0, 0x90014) == before && child.run_to_block(0), "the APIC is switched off");
    let_old_controllers_in();
    (void)child.assert_interrupt(7, 0, 0x41);
    if (root_schedules()) {
        say(child.get(0, 0x90014) == before + 1, "the old controllers' interrupt wakes it");
    }
    say(child.assert_interrupt(0, 0, 3) == Status::invalid_parameter, "vector 3 is none");
    say(reaches_port(0, 0x30), "its handler runs");
    say(reaches_port(0, 0x20), "and returns behind HLT");
    (void)child.assert_interrupt(4, 0, 0);
    child.end();
}

void check_timers() {
    begin(payload_timers);
    say(reaches_port(0, 0x30) && reaches_port(0, 0x20), "the APIC's timer wakes it");
    say(reaches_port(0, 0x30) && reaches_port(0, 0x21), "a synthetic timer wakes it");
    say(!root_schedules() || child.signals() >= 2, "by the scheduler", child.signals());
    child.end();
}

/// The handler says by its port whether it need not end its interrupt.
bool leaves_end(bool expected) {
    const bool is = child.run_to_intercept(0) == type::io_port &&
                    child.message<intercept::IoPort>(0).port == 0x30 &&
                    (child.message<intercept::IoPort>(0).rax & 1) == (expected ? 1 : 0);
    child.skip(0);
    return is;
}

void check_assisted_end() {
    begin(payload_assisted);
    child.load(payload_assisted_handler, handler_at);
    (void)child.set(0, 0, 0);
    say(leaves_end(true), "an interrupt alone need not be ended");
    say(reaches_port(0, 0x20), "by the guest");
    say(leaves_end(false), "one must be for which another waits");
    say(leaves_end(true), "which comes then, and need not be");
    say(reaches_port(0, 0x21) && child.run_to_block(0), "and there is no third one");
    child.end();
}

void check_two() {
    begin(payload_starter);
    child.add_vp(1);
    child.enter(1, 0);
    child.load(payload_started, second_at);
    (void)child.set(0, 0, 0);
    (void)child.set(1, 0, 0);
    say(child.run_to_block(1), "the second VP waits to be started");
    say(child.run_to_block(0), "the first one halts");
    if (root_schedules()) {
        say(child.get(1, 0x90014) == 1, "and has started the second one", child.get(1, 0x90014));
    }
    say(reaches_port(1, 0x40), "which runs");
    say(child.message<intercept::IoPort>(1).header.cs.selector == 0x200, "where it was told to",
        child.message<intercept::IoPort>(1).header.cs.selector);
    say(child.run_to_block(1), "and halts, too");
    say(reaches_port(0, 0x30) && reaches_port(0, 0x20), "its interrupt wakes the first one");
    child.end();
}

void check_cpuid() {
    begin(payload_cpuid);
    input = {};
    input.words[0] = child.id();
    input.words[1] = 2ULL << 32 | 0xFFFFFFFF;
    input.words[2] = 7;
    input.words[3] = u64{0} << 32 | 1;
    auto* const words = at<u32>(address_of(&input));
    words[9] = 0xABCD0000;  // EBX
    words[10] = 0xFFFF0000; // its mask
    say(call_with_deposits(child.id(), 0x91, &input, nullptr).status == Status::success,
        "a CPUID result is registered");
    say(child.run_to_intercept(0) == type::io_port &&
            child.message<intercept::IoPort>(0).rax == 0x40000006,
        "it sees the hypervisor");
    child.skip(0);
    say(child.run_to_intercept(0) == type::io_port &&
            child.message<intercept::IoPort>(0).rax >> 16 == 0xA9CC, // no AVX-512, no trace
        "and what its parent registered, but for what no child has",
        child.message<intercept::IoPort>(0).rax);
    child.skip(0);
    say(child.run_to_intercept(0) == type::io_port && child.message<intercept::IoPort>(0).rax == 0,
        "and its own number");
    child.skip(0);
    input = {};
    input.words[0] = child.id();
    input.words[1] = 0x50017;
    input.words[2] = 1;
    say(call(0x45, &input, nullptr).status == Status::success, "unknown registers are ignored");
    say(reaches_port(0, 0x23), "so one reads as 0");
    child.end();
}

/// { partition, connection or port, … } as CREATE_PORT and CONNECT_PORT have them.
void check_doorbell() {
    constexpr u64 port = 77, connection = 5, sint = 5, doorbell = 4, size_4 = 3;
    write_msr(hv_msr::sirbp, read_msr(hv_msr::sirbp) | 1);
    write_msr(hv_msr::sint0 + sint, scheduler_vector);
    begin(payload_doorbell);
    input = {};
    input.words[0] = self;
    input.words[1] = port;
    input.words[2] = child.id();
    input.words[3] = doorbell;
    input.words[4] = sint | 0xFFFFFFFFULL << 32;
    say(call_with_deposits(self, 0x95, &input, nullptr).status == Status::success,
        "a port is made");
    say(call(0x95, &input, nullptr).status == Status::invalid_port_id, "once");
    input = {};
    input.words[0] = child.id();
    input.words[1] = connection;
    input.words[2] = self;
    input.words[3] = port;
    input.words[4] = doorbell;
    input.words[5] = 0xD0000080;
    input.words[6] = 7;
    input.words[7] = size_4;
    say(call_with_deposits(child.id(), 0x96, &input, nullptr).status == Status::success,
        "and connected");
    say(child.run_to_intercept(0) == type::unmapped_gpa &&
            child.message<intercept::MemoryAccess>(0).bytes[6] == 8,
        "the write of another value is an intercept",
        child.message<intercept::MemoryAccess>(0).bytes[6]);
    const auto* const ring =
        at<const u32>(align_down(read_msr(hv_msr::sirbp), page_size)) + sint * 64;
    say(ring[1] == port && ring[2] == 0, "the right one has rung, once", ring[1]);
    say(fast_call(0x5B, child.id(), connection).status == Status::success &&
            fast_call(0x5B, child.id(), connection).status == Status::invalid_connection_id,
        "it is disconnected");
    say(fast_call(0x58, self, port).status == Status::success &&
            fast_call(0x58, self, port).status == Status::invalid_port_id,
        "and deleted");
    child.end();
}

Status property(u32 code, u64 value) {
    input = {};
    input.words[0] = child.id();
    input.words[1] = code;
    input.words[2] = value;
    return call(0x45, &input, nullptr).status;
}
u64 property(u32 code) {
    input = {};
    input.words[0] = child.id();
    input.words[1] = code;
    (void)call(0x44, &input, &output);
    return output.words[0];
}

void check_properties() {
    constexpr u32 time_freeze = 0x30003, reference_time = 0x30005, features = 0x10001;
    begin(payload_port);
    say(property(features, 1) == Status::invalid_partition_state, "features are set early");
    say(property(0x12345, 1) == Status::unknown_property, "what is no property");
    say(property(time_freeze, 1) == Status::success, "time stands");
    const u64 then = property(reference_time);
    say(property(reference_time) == then, "still");
    say(property(reference_time, 5'000'000'000) == Status::success &&
            property(reference_time) == 5'000'000'000,
        "it is set");
    say(property(time_freeze, 0) == Status::success && property(reference_time) > 5'000'000'000,
        "and goes on");
    // No paging: a page is at itself.
    input = {};
    input.words[0] = child.id();
    input.words[2] = 1;
    input.words[3] = 1;
    say(call(0x52, &input, &output).status == Status::success && output.words[0] == 0 &&
            output.words[1] == 1,
        "an address is translated");
    input.words[3] = 0x77;
    say(call(0x52, &input, &output).status == Status::success &&
            static_cast<u32>(output.words[0]) == 4,
        "one without memory is not");
    input = {};
    input.words[0] = child.id();
    say(fast_call(0x4F, child.id(), 0).status == Status::success, "a VP is deleted");
    say(fast_call(0x4F, child.id(), 0).status == Status::invalid_vp_index, "once");
    child.forget_vp(0);
    child.add_vp(0);
    child.enter(0, code_at);
    say(child.run_to_intercept(0) == type::io_port, "and made anew");
    child.end();
}

void check_vectors() {
    constexpr u32 cr4 = 0x40003, xmm0 = 0x30000;
    begin(payload_vectors);
    say(child.set(0, cr4, 0x600) == Status::success &&
            child.set(0, xmm0, 0x1234567890ABCDEF, 0x55) == Status::success,
        "vector registers are set");
    say(child.run_to_intercept(0) == type::io_port &&
            child.message<intercept::IoPort>(0).rax == 0x90ABCDEF,
        "it sees them", child.message<intercept::IoPort>(0).rax);
    child.skip(0);
    say(child.run_to_intercept(0) == type::io_port && child.get(0, xmm0 + 1) == 0x99,
        "and its parent sees what it writes", child.get(0, xmm0 + 1));
    say(child.registers(0)[0xA0 + 16] == 0x99, "in the register page, too");
    child.end();
}

/// All of the first 4 GiB at itself, by pages of 1 GiB, with tables in the two pages behind the
/// code.
void enter_long_mode() {
    constexpr u64 first = 0x2000, second = 0x6000;
    constexpr u64 long_code = 0xA09BULL << 48 | 0xFFFFFFFF;
    Page* const page = next_page();
    *page = {};
    (void)child.map(second, page, 0xF);
    *at<u64>(address_of(child.memory(first))) = second | 7;
    for (u64 i = 0; i < 4; ++i) {
        page->words[i] = i << 30 | 0x87;
    }
    (void)child.set(0, 0x40000, 0x80000011);
    (void)child.set(0, 0x40002, first);
    (void)child.set(0, 0x40003, 0x20);
    (void)child.set(0, 0x80001, 0x500);
    (void)child.set(0, 0x60001, 0, long_code);
}

void check_long_mode() {
    begin(payload_long);
    enter_long_mode();
    say(child.get(0, 0x80001) == 0x500, "long mode is active");
    say(child.run_to_intercept(0) == type::unmapped_gpa, "it runs in long mode",
        child.message_type(0));
    const auto& message = child.message<intercept::MemoryAccess>(0);
    say(message.gpa == 0xD0000040 && message.gva == 0xD0000040 && message.info == 3 &&
            message.header.cs.attributes == 0xA09B,
        "its tables are walked", message.gva);
    const auto* const clock = at<u64>(address_of(child.memory(0x4000)));
    say(clock[0] == 1 && clock[1] != 0, "its reference TSC page is filled");
    child.skip(0);
    say(child.run_to_intercept(0) == type::io_port &&
            (child.message<intercept::IoPort>(0).rax & 0xFFFF) == 6,
        "a hypercall without the privilege is refused", child.message<intercept::IoPort>(0).rax);
    child.skip(0);
    say(child.run_to_intercept(0) == type::io_port &&
            (child.message<intercept::IoPort>(0).rax & 0xFFFF) == 5,
        "one with a wrong vector, too", child.message<intercept::IoPort>(0).rax);
    child.end();
}

/// An interrupt of the root's own timer in so long.
void set_timer(u64 units) {
    write_msr(hv_msr::stimer0_config, 1ULL << 12 | 1 | u64{scheduler_vector} << 4);
    write_msr(hv_msr::stimer0_config + 1, read_msr(hv_msr::time_ref_count) + units);
}

/// What a VP has had of the processor, in units of 100 ns.
u64 runtime(u32 vp) {
    return child.get(vp, 0x90000);
}

/// A child that never stops has the processor while the root sleeps, and half of it while the root
/// is busy.
void check_turns() {
    constexpr u64 enough = 500'000; // ten turns
    begin(payload_spin);
    child.let_run(0);
    set_timer(200'000);
    wait_for_interrupt();
    say(in_service(scheduler_vector), "an interrupt of the root ends a turn");
    end_interrupt();
    const u64 asleep = runtime(0);
    say(asleep >= 100'000, "which lasts while the root sleeps", asleep);
    const u64 begin_of_work = read_msr(hv_msr::time_ref_count);
    while (runtime(0) < asleep + enough) {
        (void)pending_vector();
    }
    const u64 work = read_msr(hv_msr::time_ref_count) - begin_of_work;
    say(work > enough + enough / 2, "the root has turns, too", work);
    (void)child.set(0, 0, 1);
    const u64 stopped = runtime(0);
    set_timer(200'000);
    wait_for_interrupt();
    end_interrupt();
    say(runtime(0) == stopped, "a VP that is suspended has none", runtime(0) - stopped);
    say(child.get(0, 1) == 0 && !child.is_intercepted(0), "and nothing is told of it");
    child.let_run(0);
    child.end(); // while it runs
}

/// The same VP twice at once would be lost, as would a wish to stop it.
void check_stop_and_go() {
    begin(payload_spin);
    bool runs = true;
    for (u32 i = 0; i < 200; ++i) {
        child.let_run(0);
        set_timer(5'000);
        wait_for_interrupt();
        end_interrupt();
        const u64 had = runtime(0);
        (void)child.set(0, 0, 1);
        (void)child.set(0, 0, 0);
        (void)child.set(0, 0, 1);
        runs = runs && had != 0;
    }
    say(runs, "it is stopped and goes on, as often as one likes");
    child.end();
}

void check_spin() {
    begin(payload_spin);
    (void)child.set(0, 0, 0);
    set_timer(50000);
    const Dispatch end = child.run(0);
    say(end.state == 2 && end.event == 0, "an interrupt of the root ends a dispatch", end.state);
    say(pending_vector() == scheduler_vector, "and comes to it");
    end_interrupt();
    child.end();
}

void run() {
    constexpr u64 some_system = 0x8100000000000000;
    write_msr(hv_msr::guest_os_id, some_system);
    write_msr(hv_msr::hypercall, 1);
    write_msr(hv_msr::simp, read_msr(hv_msr::simp) | 1);
    write_msr(hv_msr::sint0, scheduler_vector);
    write_msr(hv_msr::scontrol, 1);
    check_states();
    check_ports();
    check_memory();
    check_triple_fault();
    check_halt();
    if (root_schedules()) {
        check_spin();
    } else {
        check_turns();
        check_stop_and_go();
    }
    check_timers();
    check_assisted_end();
    check_two();
    check_cpuid();
    check_doorbell();
    check_properties();
    check_vectors();
    check_long_mode();
    withdraw_all(self);
}

} // namespace

extern "C" void probe_main(const u8*) {
    take_vectors();
    run();
    finish();
}

} // namespace mshv::standin::probe
