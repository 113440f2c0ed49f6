// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/child/parent.hpp"

#include "tests/standin/tlfs/msr.hpp"

namespace mshv::standin::probe {

Page input, output;

namespace {

constexpr u32 pool_pages = 1024;
Page pool[pool_pages];
u32 pool_next = 0;

constexpr u32 readable_writable_executable = 0xF;
constexpr u32 readable_executable = 0xD;
constexpr u32 rip = 0x20010, rflags = 0x20011, es = 0x60000, cs = 0x60001, ds = 0x60003,
              fs = 0x60004;

u64 page_number(const void* page) {
    return address_of(page) / page_size;
}

/// What goes without saying.
void expect(bool holds, std::string_view what) {
    if (!holds) {
        say(false, what);
    }
}

void deposit(u64 whom, u32 count) {
    Page list{};
    list.words[0] = whom;
    for (u32 i = 0; i < count; ++i) {
        list.words[1 + i] = page_number(next_page());
    }
    static Page in;
    in = list;
    expect(call(0x48, &in, nullptr, count).status == Status::success, "deposit");
}

} // namespace

synic::Message& scheduler_slot() {
    return *at<synic::Message>(align_down(read_msr(hv_msr::simp), page_size));
}

void free_slot(synic::Message& slot) {
    __atomic_store_n(&slot.type, 0, __ATOMIC_SEQ_CST);
    if ((slot.flags & 1) != 0) {
        write_msr(hv_msr::eom, 0);
    }
}

Page* next_page() {
    if (pool_next == pool_pages) {
        say(false, "the probe's own pages are used up");
        stop();
    }
    return &pool[pool_next++];
}

Result call_with_deposits(u64 whom, u16 code, const void* in, void* out, u32 reps,
                          u32 header_words) {
    u32 done = 0;
    for (;;) {
        const Result result = call(code, in, out, reps, done, header_words);
        done = result.done;
        const bool part = result.status == Status::success && result.done < reps;
        if (result.status == Status::insufficient_memory) {
            deposit(whom, 1);
        } else if (!part) {
            return result;
        }
    }
}

u32 withdraw_all(u64 whom) {
    static Page in, out;
    u32 count = 0;
    for (;;) {
        in.words[0] = whom;
        in.words[1] = 0;
        const Result result = call(0x49, &in, &out, 500);
        count += result.done;
        if (result.status != Status::success) {
            return count;
        }
    }
}

Counters counters(u64 whom) {
    input.words[0] = whom;
    (void)call(0x8F04, &input, &output);
    return {output.words[0], output.words[1], output.words[2], output.words[3]};
}

void Child::begin(u64 synthetic_features) {
    constexpr u64 flags = 1U << 4 | 1U << 8 | 1U << 13 | 1U << 19 | 1U << 22;
    *this = {};
    input = {};
    input.words[0] = flags;
    expect(call_with_deposits(self, 0x40, &input, &output).status == Status::success, "create");
    id_ = output.words[0];
    input = {};
    input.words[0] = id_;
    input.words[1] = 0x10001;
    input.words[2] = synthetic_features;
    expect(call(0x45, &input, nullptr).status == Status::success, "synthetic features");
    input = {};
    input.words[0] = id_;
    expect(call_with_deposits(id_, 0x41, &input, nullptr).status == Status::success, "initialize");
    for (u32 i = 0; i < memory_pages - 2; ++i) {
        pages_[i] = next_page();
        *pages_[i] = {};
        const u32 rights = i == 3 ? readable_executable : readable_writable_executable;
        expect(map(i * page_size, pages_[i], rights) == Status::success, "map");
    }
}

void Child::add_vp(u32 vp) {
    input = {};
    input.words[0] = id_;
    input.words[1] = vp;
    expect(call_with_deposits(id_, 0x4E, &input, nullptr).status == Status::success, "create vp");
    for (const u64 type : {1ULL, 0ULL}) {
        input = {};
        input.words[0] = id_;
        input.words[1] = vp | type << 32;
        const Result result = call_with_deposits(id_, 0xE1, &input, &output);
        expect(result.status == Status::success, "map state page");
        auto* const page = at<u8>(output.words[0] * page_size);
        if (type == 1) {
            messages_[vp] = page;
        } else {
            registers_[vp] = page;
        }
    }
}

u8* Child::memory(u64 gpa) const {
    return reinterpret_cast<u8*>(pages_[gpa / page_size]) + gpa % page_size;
}

void Child::load(const void* code, u64 gpa) {
    __builtin_memcpy(memory(gpa), code, 240);
}

void Child::enter(u32 vp, u64 where) {
    constexpr u64 data = 0x93ULL << 48 | 0xFFFFFFFF;
    constexpr u64 code = 0x9BULL << 48 | 0xFFFFFFFF;
    (void)set(vp, cs, 0, code);
    (void)set(vp, ds, 0, data);
    (void)set(vp, es, 0xFEE00000, data);
    (void)set(vp, fs, 0xD0000000, data);
    (void)set(vp, rip, where);
    (void)set(vp, rflags, 2);
    (void)set(vp, 0x20004, 0x800); // the stack
}

Status Child::map(u64 gpa, const void* page, u32 flags) {
    static Page in;
    in = {};
    in.words[0] = id_;
    in.words[1] = gpa / page_size;
    in.words[2] = flags;
    in.words[3] = page_number(page);
    return call_with_deposits(id_, 0x4B, &in, nullptr, 1).status;
}

Status Child::unmap(u64 gpa, u32 count) {
    static Page in;
    in = {};
    in.words[0] = id_;
    in.words[1] = gpa / page_size;
    return call(0x4C, &in, nullptr, count).status;
}

Status Child::set(u32 vp, u32 name, u64 low, u64 high) {
    static Page in;
    in = {};
    in.words[0] = id_;
    in.words[1] = vp;
    in.words[2] = name;
    in.words[4] = low;
    in.words[5] = high;
    return call(0x51, &in, nullptr, 1).status;
}

u64 Child::get(u32 vp, u32 name) {
    static Page in, out;
    in.words[0] = id_;
    in.words[1] = vp;
    in.words[2] = name;
    (void)call(0x50, &in, &out, 1);
    return out.words[0];
}

Status Child::assert_interrupt(u32 type, u64 destination, u32 vector) {
    input = {};
    input.words[0] = id_;
    input.words[1] = type;
    input.words[2] = destination;
    input.words[3] = vector;
    return call(0x94, &input, nullptr).status;
}

Dispatch Child::run(u32 vp) {
    static Page in, out;
    in = {};
    in.words[0] = id_;
    in.words[1] = vp | (intercepted_[vp] ? 1ULL << 32 : 0);
    intercepted_[vp] = false;
    const Result result = call(0xC2, &in, &out);
    const Dispatch end{result.status, static_cast<u32>(out.words[0]),
                       static_cast<u32>(out.words[0] >> 32)};
    intercepted_[vp] = end.event == 2;
    return end;
}

/// The processor sleeps until the hypervisor's message comes.
bool Child::wait_for_signal(u32 vp) {
    for (u32 i = 0; i < 1000; ++i) {
        synic::Message& slot = scheduler_slot();
        if (__atomic_load_n(&slot.type, __ATOMIC_ACQUIRE) == synic::message_type::vp_signal_pair) {
            u64 who = 0;
            u32 which = 0;
            __builtin_memcpy(&who, slot.payload + 8, sizeof(who));
            __builtin_memcpy(&which, slot.payload + 8 + 19 * 8, sizeof(which));
            ++signals_;
            free_slot(slot);
            if (who == id_ && which == vp) {
                return true;
            }
            continue;
        }
        wait_for_interrupt();
        end_interrupt();
    }
    return false;
}

u32 Child::run_to_intercept(u32 vp) {
    if (!root_schedules()) {
        return await_intercept(vp);
    }
    for (u32 i = 0; i < 100; ++i) {
        const Dispatch end = run(vp);
        if (end.status != Status::success) {
            say(false, "dispatch", static_cast<u64>(end.status));
            return 0;
        }
        if (end.event == 2) {
            return message_type(vp);
        }
        if (end.state == 1) {
            if (end.event == 1) {
                (void)set(vp, 0, 0); // explicit suspend
            }
            if (!wait_for_signal(vp)) {
                say(false, "no signal", vp);
                return 0;
            }
            continue;
        }
        if (pending_vector() != 0) {
            end_interrupt();
        }
    }
    say(false, "it does not come to an intercept", vp);
    return 0;
}

bool Child::run_to_block(u32 vp) {
    if (!root_schedules()) {
        return await_block(vp);
    }
    for (u32 i = 0; i < 100; ++i) {
        const Dispatch end = run(vp);
        if (end.state == 1) {
            return end.event == 0;
        }
        if (end.event != 0) {
            return false;
        }
        if (pending_vector() != 0) {
            end_interrupt();
        }
    }
    return false;
}

void Child::skip(u32 vp) {
    const auto& header = message<intercept::Header>(vp);
    (void)set(vp, rip, header.rip + (header.length_and_cr8 & 0xF));
}

void Child::end() {
    for (u32 vp = 0; vp < most_vps; ++vp) {
        if (messages_[vp] != nullptr) {
            (void)set(vp, root_schedules() ? 3 : 0, 1);
        }
    }
    const Counters before = counters(id_);
    input = {};
    input.words[0] = id_;
    expect(call(0x42, &input, nullptr).status == Status::success, "finalize");
    const u32 withdrawn = withdraw_all(id_);
    say(withdrawn == before.held, "all that was deposited comes back", withdrawn);
    input.words[0] = id_;
    expect(call(0x43, &input, nullptr).status == Status::success, "delete");
    withdraw_all(self);
    pool_next = 0;
}

} // namespace mshv::standin::probe
