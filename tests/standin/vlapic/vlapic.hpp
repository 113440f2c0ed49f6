// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/timer/apic_timer.hpp"
#include "tests/standin/vlapic/state.hpp"

// A local APIC in software, in xAPIC and in x2APIC mode. Source: AMD64 APM volume 2, chapter 16.
// Pure; also compiled for the host, where it is tested.

namespace mshv::standin::vlapic {

constexpr GuestPhysicalAddress default_base = 0xFEE00000;
constexpr u32 broadcast = 0xFFFFFFFF;

namespace mode {
constexpr u32 fixed = 0;
constexpr u32 lowest_priority = 1;
constexpr u32 nmi = 4;
constexpr u32 init = 5;
constexpr u32 startup = 6;
constexpr u32 external = 7;
} // namespace mode

/// An interrupt that the guest asks its controller to send.
struct Command {
    enum class To : u8 { destination, self, all, others };

    u32 vector = 0;
    u32 mode = mode::fixed;
    bool logical = false;
    bool level = false;
    bool asserted = true;
    To to = To::destination;
    u32 destination = 0; ///< broadcast = all
};

/// What the write of a register means beyond the controller.
struct Effects {
    bool sends = false;
    Command command;
    /// A level-triggered interrupt has been ended; others must hear of it.
    bool ended_level = false;
    u32 ended_vector = 0;
    bool timer = false; ///< its deadline may be another
};

/// One VP's controller. Its VP uses it on the processor that runs it; post() alone is for all.
class Vlapic {
public:
    /// As at power-on. `rate`: of its timer, in Hz.
    void reset(u32 id, bool bootstrap, bool x2apic_capable, u64 rate);
    /// What INIT does: identity and mode stay.
    void init();

    /// Requests an interrupt. Thread-safe. False when there is none with this vector, or the
    /// controller is switched off.
    bool post(u32 vector, bool level);

    /// The vector that is to be delivered now, if the processor takes interrupts; 0 = none.
    [[nodiscard]] u32 deliverable() const;
    /// The vector that only the task priority holds back; 0 = none.
    [[nodiscard]] u32 held_by_task_priority() const;
    [[nodiscard]] bool requested() const;
    /// It may be delivered from now on, at a moment that nobody here sees: it is requested no more, so
    /// that who requests it behind that moment requests another one.
    void offer(u32 vector);
    /// Nothing waits for the end of the one that is offered: it is an edge, and neither is another in
    /// service nor requested.
    [[nodiscard]] bool is_alone(u32 vector) const;
    /// What was offered has been delivered: it is in service.
    void accept(u32 vector);
    /// What was offered has not been delivered: it is requested still.
    void withdraw(u32 vector);

    /// Registers by their offset in the page. False: there is none.
    bool read(u32 where, u64 now, u32& value) const;
    bool write(u32 where, u32 value, u64 now, Effects& effects);
    /// The same as MSRs, from 0x800 on. False: #GP.
    bool read_msr(u32 number, u64 now, u64& value) const;
    bool write_msr(u32 number, u64 value, u64 now, Effects& effects);
    /// The highest interrupt in service has been dealt with.
    void end_of_interrupt(Effects& effects);
    [[nodiscard]] Command command_of(u64 icr) const;

    [[nodiscard]] u64 base() const { return base_; }
    bool write_base(u64 value);
    [[nodiscard]] bool enabled() const { return (base_ & base_enable) != 0; }
    [[nodiscard]] bool x2apic() const { return (base_ & base_x2apic) != 0; }
    [[nodiscard]] bool bootstrap() const { return (base_ & base_bootstrap) != 0; }

    [[nodiscard]] u32 id() const { return id_; }
    [[nodiscard]] bool matches(u32 destination, bool logical) const;
    /// Whether the line of the old controllers reaches the processor.
    [[nodiscard]] bool accepts_external() const;

    [[nodiscard]] u8 task_priority() const { return task_priority_; }
    void set_task_priority(u8 value) { task_priority_ = value; }
    /// Its upper half, which CR8 is; the lower one goes when that changes.
    void set_task_priority_class(u32 value) {
        if (value != u32{task_priority_} >> 4) {
            task_priority_ = static_cast<u8>(value << 4);
        }
    }

    [[nodiscard]] u64 timer_deadline() const { return timer_.deadline(); }
    /// Requests the timer's interrupt if it is due. True when it was.
    bool expire_timer(u64 now);

    [[nodiscard]] State state(u64 now) const;
    void set_state(const State& state, u64 now);

    static constexpr u64 base_bootstrap = 1ULL << 8;
    static constexpr u64 base_x2apic = 1ULL << 10;
    static constexpr u64 base_enable = 1ULL << 11;

private:
    static constexpr u32 lvt_count = 6;

    [[nodiscard]] bool switched_on() const;
    [[nodiscard]] u32 logical_id() const;
    [[nodiscard]] u32 processor_priority() const;
    [[nodiscard]] bool matches_logical(u32 destination) const;
    bool write_timer(u32 where, u32 value, u64 now, Effects& effects);
    void write_spurious(u32 value, u64 now, Effects& effects);
    u32* lvt(u32 where);
    [[nodiscard]] const u32* word_at(u32 where) const;

    u64 base_ = 0;
    bool x2apic_capable_ = false;
    u64 timer_rate_ = 1;
    u32 id_ = 0;
    u8 task_priority_ = 0;
    u32 logical_ = 0, format_ = 0xFFFFFFFF, spurious_ = 0xFF;
    u32 in_service_[8] = {};
    u32 level_[8] = {};     ///< written by all
    u32 requested_[8] = {}; ///< written by all
    u32 errors_ = 0;        ///< as last latched
    u32 new_errors_ = 0;    ///< written by all
    u64 icr_ = 0;
    u32 lvt_[lvt_count] = {}; ///< CMCI, thermal, performance, LINT0, LINT1, error
    ApicTimer timer_;
};

} // namespace mshv::standin::vlapic
