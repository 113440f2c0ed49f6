// SPDX-License-Identifier: Apache-2.0
//
// A root partition that is nothing but checks: what Linux's root would need months to come across. Which
// ones, its command line says, beside what the stand-in was told.
#include "tests/lab/probe/machine.hpp"
#include "tests/standin/synic/event_ring.hpp"
#include "tests/standin/synic/message.hpp"
#include "tests/standin/tlfs/msr.hpp"

namespace mshv::standin::probe {
namespace {

using synic::EventRing;
using synic::Message;
namespace type = synic::message_type;

constexpr u64 self = ~0ULL;
constexpr u32 vector = 0x53;
constexpr u64 auto_eoi = 1U << 17;
constexpr u64 as_intercept = 1U << 19;

struct alignas(page_size) Page {
    u64 words[page_size / 8];
};
constexpr u32 own_pages = 40;
Page input, output, own[own_pages];

template <typename T>
T* page_of(u32 msr) {
    return at<T>(align_down(read_msr(msr), page_size));
}
Message& slot(u32 sint) {
    return page_of<Message>(hv_msr::simp)[sint];
}
u64 page_number(const void* page) {
    return address_of(page) / page_size;
}

Result deposit(u32 first, u32 count) {
    input.words[0] = self;
    for (u32 i = 0; i < count; ++i) {
        input.words[1 + i] = page_number(&own[first + i]);
    }
    return call(0x48, &input, nullptr, count);
}

Result deposit_number(u64 number) {
    input.words[0] = self;
    input.words[1] = number;
    return call(0x48, &input, nullptr, 1);
}

/// Until there is no more; how many there were.
u32 withdraw_all() {
    u32 count = 0;
    for (;;) {
        input.words[0] = self;
        input.words[1] = 0;
        const Result result = call(0x49, &input, &output, own_pages);
        count += result.done;
        if (result.status != Status::success) {
            say(result.status == Status::no_resources, "the pool is empty at the end");
            return count;
        }
    }
}

struct Counters {
    u64 deposited, withdrawn, held, free;
};
Counters counters() {
    input.words[0] = self;
    (void)call(0x8F04, &input, &output);
    return {output.words[0], output.words[1], output.words[2], output.words[3]};
}

Result stats(u16 code, u32 object, u64 identity_low, u64 identity_high) {
    input.words[0] = object;
    input.words[1] = identity_low;
    input.words[2] = identity_high;
    return call(code, &input, &output);
}

Result post(u32 sint, u32 message_type, u64 text) {
    input.words[0] = u64{sint} << 32;
    input.words[1] = u64{8} << 32 | message_type;
    input.words[2] = text;
    return call(0x8F01, &input, &output);
}

bool is_delivered() {
    const u32 got = pending_vector();
    const bool is = got == vector && in_service(vector);
    if (got != 0) {
        end_interrupt();
    }
    return is && !in_service(vector);
}

void switch_synic_on(u64 sint_bits) {
    write_msr(hv_msr::simp, read_msr(hv_msr::simp) | 1);
    write_msr(hv_msr::siefp, read_msr(hv_msr::siefp) | 1);
    write_msr(hv_msr::sirbp, read_msr(hv_msr::sirbp) | 1);
    write_msr(hv_msr::sint0, vector | sint_bits);
    write_msr(hv_msr::sint0 + synic::doorbell_sint, vector | as_intercept | sint_bits);
    write_msr(hv_msr::scontrol, 1);
}

/// Takes the message from the slot as a guest does; whether it has to say so.
bool take(u32 sint) {
    __atomic_store_n(&slot(sint).type, type::none, __ATOMIC_SEQ_CST);
    return (__atomic_load_n(&slot(sint).flags, __ATOMIC_SEQ_CST) & 1) != 0;
}

void check_deposits() {
    say(deposit(0, 8).status == Status::success, "pages are deposited");
    say(deposit(7, 1).status == Status::invalid_parameter, "a page is deposited once");
    say(deposit_number(0).status == Status::invalid_parameter, "the first page is not taken");
    say(deposit_number(read_msr(hv_msr::simp) / page_size).status == Status::invalid_parameter,
        "the hypervisor's own page is not taken");
    say(deposit_number(0xFEE00).status == Status::invalid_parameter, "a device is not taken");
    say(deposit_number(~0ULL).status == Status::invalid_parameter, "what is no page is not taken");
    say(withdraw_all() == 8, "all of them come back");
    say(deposit(7, 1).status == Status::success, "and can be deposited again");
    say(withdraw_all() == 1, "and come back again");
    const Counters now = counters();
    say(now.deposited == 9 && now.withdrawn == 9 && now.held == 0, "the counters say so",
        now.deposited);
}

void check_statistics() {
    say(stats(0x6C, 1, 0, 0).status == Status::insufficient_memory, "counters want a page");
    (void)deposit(0, 4);
    constexpr u64 parent_area = 1ULL << 56;
    say(stats(0x6C, 0x10001, self, parent_area).status == Status::invalid_parameter,
        "there is no parent's area");
    say(stats(0x6C, 2, 99, 0).status == Status::invalid_lp_index, "no such LP");
    say(stats(0x6C, 0x10002, self, 99).status == Status::invalid_vp_index, "no such VP");
    say(stats(0x6D, 1, 0, 0).status == Status::not_found, "what is not mapped is not unmapped");
    constexpr u32 objects[] = {1, 2, 0x10001, 0x10002};
    constexpr std::size_t telling[] = {1, 1, 5, 7}; // LPs, time, deposited pages, hypercalls
    bool all = true;
    for (u32 round = 0; round < 20; ++round) {
        for (u32 i = 0; i < 4; ++i) {
            const u64 identity = objects[i] > 2 ? self : 0;
            all = all && stats(0x6C, objects[i], identity, 0).status == Status::success;
            const u64* const page = at<const u64>(output.words[0] * page_size);
            all = all && __atomic_load_n(&page[telling[i]], __ATOMIC_RELAXED) != 0;
        }
        for (const u32 object : objects) {
            all = all && stats(0x6D, object, object > 2 ? self : 0, 0).status == Status::success;
        }
    }
    say(all, "counters are mapped and unmapped 20 times, and are real");
    say(withdraw_all() == 4, "all of their pages come back");
    const Counters now = counters();
    say(now.deposited == now.withdrawn, "deposited is withdrawn", now.held);
}

void check_messages() {
    say(post(0, type::timer_expired, 1).status == Status::invalid_synic_state,
        "a controller that is off gets no message");
    switch_synic_on(0);
    say(post(0, type::timer_expired, 0x1234).status == Status::success, "a message is posted");
    say(is_delivered(), "it comes as an interrupt that is ended at the APIC");
    say(slot(0).type == type::timer_expired && slot(0).size == 8 && slot(0).sender == 1 &&
            slot(0).payload[1] == 0x12,
        "it is in its slot");
    (void)post(0, type::timer_expired, 2);
    say(pending_vector() == 0, "the next one waits for the slot");
    say(take(0), "the first one says so");
    write_msr(hv_msr::eom, 0);
    say(is_delivered() && slot(0).payload[0] == 2 && !take(0), "it comes at the end of message");
    write_msr(hv_msr::sint0, 1U << 16 | vector);
    (void)post(0, type::timer_expired, 3);
    say(pending_vector() == 0 && slot(0).type == type::none, "a masked SINT holds it");
    write_msr(hv_msr::sint0, vector);
    say(is_delivered() && !take(0), "it comes when the SINT is unmasked");
}

void check_events() {
    input.words[0] = 0;
    input.words[1] = 9;
    say(call(0x8F02, &input, nullptr).status == Status::success && is_delivered() &&
            page_of<u8>(hv_msr::siefp)[1] == 2,
        "an event sets its flag and interrupts");
    say(call(0x8F02, &input, nullptr).status == Status::success && pending_vector() == 0,
        "one that is set does not");
}

constexpr u32 timer_sint = 2;

/// Sets a one-shot timer that tells by a message.
void set_timer(u64 when) {
    constexpr u64 enable = 1;
    write_msr(hv_msr::stimer0_config, enable | u64{timer_sint} << 16);
    write_msr(hv_msr::stimer0_config + 1, when);
}

void check_timers() {
    constexpr u64 soon = 1000; // units of 100 ns
    write_msr(hv_msr::sint0 + timer_sint, vector);
    const u64 when = read_msr(hv_msr::time_ref_count) + soon;
    set_timer(when);
    while (!is_delivered()) {
    }
    say(read_msr(hv_msr::time_ref_count) >= when, "a timer does not come early");
    u64 told = 0;
    __builtin_memcpy(&told, slot(timer_sint).payload + 8, sizeof(told));
    say(slot(timer_sint).type == type::timer_expired && slot(timer_sint).size == 24 &&
            told == when && !take(timer_sint),
        "it is told by a message");
    say((read_msr(hv_msr::stimer0_config) & 1) == 0, "and is off then");

    u32 others = 0;
    while (post(timer_sint, type::async_call_completion, 0).status == Status::success) {
        ++others;
    }
    (void)is_delivered();
    const u64 later = read_msr(hv_msr::time_ref_count) + soon;
    set_timer(later);
    while ((read_msr(hv_msr::stimer0_config) & 1) != 0) {
        (void)pending_vector(); // the hypervisor's own is taken when the guest takes any
    }
    for (; others != 0; --others) {
        (void)take(timer_sint);
        write_msr(hv_msr::eom, 0);
        (void)is_delivered();
    }
    say(slot(timer_sint).type == type::timer_expired && !take(timer_sint),
        "one for which there was no room comes when there is");
}

Status ring(u32 port) {
    input.words[0] = u64{synic::doorbell_sint} << 32;
    input.words[1] = port;
    return call(0x8F03, &input, nullptr).status;
}

void check_doorbells() {
    u8* const own_ring = page_of<u8>(hv_msr::sirbp) + synic::doorbell_sint * EventRing::size;
    auto* const data = reinterpret_cast<u32*>(own_ring) + 1;
    say(ring(77) == Status::success && is_delivered() && slot(0).type == type::sint_intercept &&
            slot(0).payload[0] == synic::doorbell_sint && !take(0),
        "a doorbell is told at SINT0");
    say(data[0] == 77, "and is in the ring");
    own_ring[0] = 1;
    bool all = true;
    for (u32 i = 1; i < EventRing::places + 2; ++i) {
        all = all && ring(100 + i) == Status::success;
    }
    say(all && pending_vector() == 0, "nothing is told to who listens already");
    say(own_ring[1] == 1 && data[62] == 162, "a full ring is marked");
    __builtin_memset(own_ring, 0, EventRing::size);
    const u64 sint = synic::doorbell_sint;
    say(fast_call(0x8B, sint, 0).status == Status::success && data[0] == 163 && data[1] == 164,
        "what was held comes when the ring is empty");
    say(is_delivered() && !take(0), "and is told");
    say(fast_call(0x8B, 16, 0).status == Status::invalid_parameter, "there are 16 SINTs");
}

void check_usual() {
    check_deposits();
    check_statistics();
    check_messages();
    check_events();
    check_doorbells();
    check_timers();
}

void check_strict() {
    say(!read_faults(&own[0]), "an own page can be read");
    (void)deposit(0, 3);
    say(read_faults(&own[0]) && read_faults(&own[2]), "a deposited one cannot");
    say(!read_faults(&own[3]), "its neighbour can");
    say(stats(0x6C, 1, 0, 0).status == Status::success &&
            !read_faults(at<u8>(output.words[0] * page_size)),
        "one with counters can");
    const u64 page = output.words[0] * page_size;
    (void)stats(0x6D, 1, 0, 0);
    say(read_faults(at<u8>(page)), "and cannot afterwards");
    input.words[0] = page / page_size;
    say(withdraw_all() == 3 && !read_faults(&own[0]), "what has come back can");
}

void check_hints() {
    input = {};
    say(call(0x02, &input, nullptr).status == Status::success, "translations are flushed");
    const Result list = call(0x03, &input, nullptr, 5);
    say(list.status == Status::success && list.done == 5, "those of a list, too");
    say(call(0x13, &input, nullptr).status == Status::success, "by sparse sets, too");
    say(fast_call(0x0B, vector, 1).status == Status::success && is_delivered(),
        "an interrupt is sent by call");
    input.words[0] = vector;
    input.words[1] = 0;
    input.words[2] = 1;
    input.words[3] = 1;
    say(call(0x15, &input, nullptr, 0, 0, 1).status == Status::success && is_delivered(),
        "and to a sparse set");
    say(fast_call(0x0B, 3, 1).status == Status::invalid_parameter, "but not vector 3");
    constexpr u64 assert_level = 1U << 14;
    write_msr(hv_msr::apic_icr, vector | assert_level);
    say(pending_vector() == vector && in_service(vector), "an interrupt is sent by MSR");
    write_msr(hv_msr::apic_eoi, 0);
    say(!in_service(vector), "and ended by MSR");
    write_msr(hv_msr::apic_tpr, 0x70);
    say(read_msr(hv_msr::apic_tpr) == 0x70, "priority is set by MSR");
    write_msr(hv_msr::apic_tpr, 0);
}

void check_automatic_end() {
    switch_synic_on(auto_eoi);
    (void)post(0, type::timer_expired, 1);
    say(pending_vector() == vector && !in_service(vector), "an interrupt ends by itself");
    (void)take(0);
}

void check_faults() {
    switch_synic_on(0);
    say(call(0x8F00, nullptr, nullptr).status == Status::call_pending, "a call is pending");
    say(is_delivered() && slot(0).type == type::async_call_completion && !take(0),
        "its end is reported");
    (void)post(0, type::timer_expired, 1);
    (void)post(0, type::timer_expired, 2);
    (void)is_delivered();
    say(take(0), "two messages");
    write_msr(hv_msr::eom, 0);
    say(pending_vector() == 0 && slot(0).type == type::none, "the first end is not heard");
    write_msr(hv_msr::eom, 0);
    say(is_delivered() && !take(0), "the second one is");
    const Result part = deposit(0, 4);
    say(part.status == Status::success && part.done == 2, "a list is cut short", part.done);
    const Result rest = call(0x48, &input, nullptr, 4, 2);
    say(rest.status == Status::success && rest.done == 4, "and goes on", rest.done);
    say(static_cast<u32>(stats(0x6C, 1, 0, 0).status) == 0x73, "memory of the root is wanted");
    say(stats(0x6C, 1, 0, 0).status == Status::success, "once");
    (void)stats(0x6D, 1, 0, 0);
    const Result broken = deposit(4, 3);
    say(static_cast<u32>(broken.status) == 0x71 && broken.done == 1, "a list breaks off",
        broken.done);
    say(withdraw_all() == 5, "what was done before counts");
}

void run(std::string_view words) {
    constexpr u64 some_system = 0x8100000000000000;
    write_msr(hv_msr::guest_os_id, some_system);
    write_msr(hv_msr::hypercall, 1);
    for (std::string_view word = next_word(words); !word.empty(); word = next_word(words)) {
        if (word == "usual") {
            check_usual();
        } else if (word == "strict") {
            check_strict();
        } else if (word == "hints") {
            check_hints();
        } else if (word == "auto-eoi") {
            check_automatic_end();
        } else if (word == "faults") {
            check_faults();
        }
    }
}

} // namespace

extern "C" void probe_main(const u8* boot_parameters) {
    u32 line = 0;
    __builtin_memcpy(&line, boot_parameters + 0x228, sizeof(line));
    take_vectors();
    run(at<const char>(line));
    finish();
}

} // namespace mshv::standin::probe
