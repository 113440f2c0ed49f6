// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/lab/probe/machine.hpp"
#include "tests/standin/intercept/messages.hpp"
#include "tests/standin/synic/message.hpp"

/// What a parent does with a child, by hypercalls.
namespace mshv::standin::probe {

constexpr u64 self = ~0ULL;
constexpr u32 scheduler_vector = 0x53;

struct alignas(page_size) Page {
    u64 words[page_size / 8];
};
extern Page input, output;

/// Pages that the probe may give away; they come back by withdraw_all().
Page* next_page();
/// Calls again with pages deposited for `whom`, as long as that is what it lacks.
Result call_with_deposits(u64 whom, u16 code, const void* in, void* out, u32 reps = 0,
                          u32 header_words = 0);
u32 withdraw_all(u64 whom);

struct Counters {
    u64 deposited, withdrawn, held, free;
};
Counters counters(u64 whom);

/// What the hypervisor says: the root dispatches its children's VPs, or they have their turns
/// without it.
bool root_schedules();

struct Dispatch {
    Status status;
    u32 state, event;
};

/// Where the messages of the scheduler and of intercepts come.
synic::Message& scheduler_slot();
void free_slot(synic::Message& slot);

/// A child with VPs and memory of its own, which must end before the next begins.
class Child {
public:
    static constexpr u32 most_vps = 4;
    static constexpr u32 memory_pages = 8; ///< from 0; the last two are not mapped

    void begin(u64 synthetic_features);
    void add_vp(u32 vp);
    void forget_vp(u32 vp) { messages_[vp] = nullptr; }
    /// Copies code to its memory, and sets the VP to it.
    void load(const void* code, u64 gpa);
    void enter(u32 vp, u64 rip);
    Dispatch run(u32 vp);
    /// Until it has an intercept, waiting for what the scheduler says when it is blocked; or for
    /// the message of an intercept.
    u32 run_to_intercept(u32 vp);
    /// Until it waits for something; true if it does not run into anything else before.
    bool run_to_block(u32 vp);
    void end();

    Status map(u64 gpa, const void* page, u32 flags);
    Status unmap(u64 gpa, u32 count);
    Status set(u32 vp, u32 name, u64 low, u64 high = 0);
    u64 get(u32 vp, u32 name);
    Status assert_interrupt(u32 type, u64 destination, u32 vector);

    [[nodiscard]] u64 id() const { return id_; }
    template <typename T>
    const T& message(u32 vp) const {
        return *reinterpret_cast<const T*>(messages_[vp] + 16);
    }
    [[nodiscard]] u32 message_type(u32 vp) const {
        return *reinterpret_cast<const u32*>(messages_[vp]);
    }
    [[nodiscard]] u8* registers(u32 vp) const { return registers_[vp]; }
    [[nodiscard]] u8* memory(u64 gpa) const;
    /// Goes on behind the instruction of a port intercept.
    void skip(u32 vp);
    [[nodiscard]] u64 signals() const { return signals_; }

    // Where the hypervisor schedules: see turns.cpp.
    /// It runs from now on, whenever it has its turn.
    void let_run(u32 vp);
    /// Takes a message, if one is there; true when the VP has had an intercept.
    bool is_intercepted(u32 vp);

private:
    bool wait_for_signal(u32 vp);
    u32 await_intercept(u32 vp);
    bool await_block(u32 vp);

    u64 id_ = 0;
    u64 signals_ = 0;
    const u8* messages_[most_vps] = {};
    u8* registers_[most_vps] = {};
    bool intercepted_[most_vps] = {};
    bool told_[most_vps] = {}; ///< so, by a message
    Page* pages_[memory_pages] = {};
};

} // namespace mshv::standin::probe
