// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/probe/machine.hpp"

#include "tests/standin/lp/local_apic.hpp"

extern "C" {
extern const mshv::standin::u8 interrupt_stubs[256][16];
extern const mshv::standin::u8 probe_read[], probe_read_fault[];
bool probe_reads(const void* where);
}

// bool probe_reads(const void*): false when the one access in it faults.
asm(R"(
    .global probe_reads, probe_read, probe_read_fault
probe_reads:
probe_read:
    movb (%rdi), %al
    mov $1, %eax
    ret
probe_read_fault:
    xor %eax, %eax
    ret
)");

namespace mshv::standin::probe {
namespace {

constexpr u16 console = 0x3F8;
constexpr u16 code_selector = 0x10; // of the loader's table

struct Gate {
    u16 offset_low, selector, type, offset_middle;
    u32 offset_high, reserved;
};
struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};
struct Frame {
    u64 r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};

alignas(16) Gate idt[256];
u32 taken = 0;
bool failed = false;

void print(const Line& line) {
    for (const char letter : line.text()) {
        while ((in8(console + 5) & 0x20) == 0) {
            pause();
        }
        out8(console, static_cast<u8>(letter));
    }
}

Result to_result(u64 rax) {
    return {static_cast<Status>(rax & 0xFFFF), static_cast<u32>(rax >> 32 & 0xFFF)};
}

u64 vmmcall(u64 control, u64 input, u64 output) {
    u64 result = 0;
    register u64 r8 asm("r8") = output;
    asm volatile("vmmcall" : "=a"(result), "+r"(r8) : "c"(control), "d"(input) : "memory");
    return result;
}

} // namespace

extern "C" void on_interrupt(Frame* frame) {
    constexpr u64 general_protection = 13;
    if (frame->vector == general_protection && frame->rip == address_of(probe_read)) {
        frame->rip = address_of(probe_read_fault);
        return;
    }
    if (frame->vector < 32) {
        say(false, "unexpected exception", frame->vector);
        say(false, "at", frame->rip);
        stop();
    }
    taken = static_cast<u32>(frame->vector);
    frame->rflags &= ~rflags::interrupts_on;
}

Result call(u16 code, const void* input, void* output, u32 reps, u32 first, u32 header_words) {
    const u64 control = u64{code} | u64{header_words} << 17 | u64{reps} << 32 | u64{first} << 48;
    return to_result(vmmcall(control, address_of(input), address_of(output)));
}

Result fast_call(u16 code, u64 first, u64 second) {
    constexpr u64 fast = 1U << 16;
    return to_result(vmmcall(code | fast, first, second));
}

void take_vectors() {
    for (std::size_t vector = 0; vector < 256; ++vector) {
        const u64 entry = address_of(interrupt_stubs[vector]);
        idt[vector] = {static_cast<u16>(entry), code_selector, 0x8E00, static_cast<u16>(entry >> 16),
                       static_cast<u32>(entry >> 32), 0};
    }
    const TablePointer pointer{sizeof(idt) - 1, address_of(idt)};
    asm volatile("lidt %0" : : "m"(pointer));
    out8(0x21, 0xFF); // nothing from the old controllers
    out8(0xA1, 0xFF);
}

u32 pending_vector() {
    taken = 0;
    // An interrupt to oneself is on its way for a moment.
    for (u32 i = 0; i < 1000 && __atomic_load_n(&taken, __ATOMIC_RELAXED) == 0; ++i) {
        take_interrupt();
    }
    return taken;
}

bool in_service(u32 vector) {
    constexpr u32 first_word = 0x100;
    return (local_apic::read(first_word + vector / 32 * 0x10) >> (vector % 32) & 1) != 0;
}

void end_interrupt() {
    local_apic::write(local_apic::reg::eoi, 0);
}

bool read_faults(const void* where) {
    return !probe_reads(where);
}

void say(bool holds, std::string_view what, u64 detail) {
    failed = failed || !holds;
    Line line;
    line << (holds ? "ok: " : "FAILED: ") << what;
    if (!holds) {
        line << ' ' << Hex{detail};
    }
    line << "\r\n";
    print(line);
}

void finish() {
    constexpr u64 sleep_state_configuration = 3;
    constexpr u64 soft_off = 5;
    say(!failed, "all");
    alignas(16) const u64 property[2] = {sleep_state_configuration, soft_off};
    (void)call(0x6F, property, nullptr);
    (void)call(0x84, &property[1], nullptr);
}

} // namespace mshv::standin::probe
