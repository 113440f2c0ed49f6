// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vlapic/vlapic.hpp"

#include "tests/standin/vlapic/registers.hpp"

namespace mshv::standin::vlapic {
namespace {

constexpr u32 lowest_vector = 16;

bool test(const u32* words, u32 vector) {
    return (__atomic_load_n(&words[vector / 32], __ATOMIC_RELAXED) >> (vector % 32) & 1) != 0;
}
void set(u32* words, u32 vector) {
    __atomic_fetch_or(&words[vector / 32], 1U << (vector % 32), __ATOMIC_SEQ_CST);
}
void clear(u32* words, u32 vector) {
    __atomic_fetch_and(&words[vector / 32], ~(1U << (vector % 32)), __ATOMIC_SEQ_CST);
}
/// 0 = none.
u32 highest(const u32* words) {
    for (u32 i = 8; i-- > 0;) {
        const u32 word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
        if (word != 0) {
            return i * 32 + 31 - static_cast<u32>(__builtin_clz(word));
        }
    }
    return 0;
}
void copy(u32* to, const u32* from) {
    for (u32 i = 0; i < 8; ++i) {
        __atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    }
}
constexpr u32 class_of(u32 priority) {
    return priority >> 4;
}

} // namespace

void Vlapic::reset(u32 id, bool bootstrap, bool x2apic_capable, u64 rate) {
    id_ = id;
    x2apic_capable_ = x2apic_capable;
    timer_rate_ = rate;
    base_ = default_base | base_enable | (bootstrap ? base_bootstrap : 0);
    init();
}

void Vlapic::init() {
    task_priority_ = 0;
    logical_ = 0;
    format_ = 0xFFFFFFFF;
    spurious_ = 0xFF;
    const u32 none[8] = {};
    copy(in_service_, none);
    copy(level_, none);
    copy(requested_, none);
    errors_ = 0;
    __atomic_store_n(&new_errors_, 0, __ATOMIC_RELAXED);
    icr_ = 0;
    for (u32& entry : lvt_) {
        entry = lvt_bit::masked;
    }
    timer_ = ApicTimer(timer_rate_);
}

bool Vlapic::switched_on() const {
    return enabled() && (spurious_ & spurious_bit::enabled) != 0;
}

bool Vlapic::post(u32 vector, bool level) {
    if (!switched_on() || vector > 0xFF) {
        return false;
    }
    if (vector < lowest_vector) {
        __atomic_fetch_or(&new_errors_, error_bit::received_illegal_vector, __ATOMIC_RELAXED);
        return false;
    }
    if (level) {
        set(level_, vector);
    } else {
        clear(level_, vector);
    }
    set(requested_, vector);
    return true;
}

u32 Vlapic::processor_priority() const {
    const u32 in_service = highest(in_service_);
    return class_of(task_priority_) >= class_of(in_service) ? task_priority_ : in_service & 0xF0;
}

u32 Vlapic::deliverable() const {
    const u32 vector = switched_on() ? highest(requested_) : 0;
    return class_of(vector) > class_of(processor_priority()) ? vector : 0;
}

u32 Vlapic::held_by_task_priority() const {
    const u32 vector = switched_on() ? highest(requested_) : 0;
    const bool held = class_of(vector) <= class_of(task_priority_) &&
                      class_of(vector) > class_of(highest(in_service_));
    return held ? vector : 0;
}

bool Vlapic::requested() const {
    return highest(requested_) != 0;
}

void Vlapic::offer(u32 vector) {
    clear(requested_, vector);
}

bool Vlapic::is_alone(u32 vector) const {
    return !test(level_, vector) && highest(in_service_) == 0 && !requested();
}

void Vlapic::accept(u32 vector) {
    set(in_service_, vector);
}

void Vlapic::withdraw(u32 vector) {
    set(requested_, vector);
}

void Vlapic::end_of_interrupt(Effects& effects) {
    const u32 vector = highest(in_service_);
    if (vector == 0) {
        return;
    }
    clear(in_service_, vector);
    if (test(level_, vector) && (spurious_ & spurious_bit::no_broadcast) == 0) {
        effects.ended_level = true;
        effects.ended_vector = vector;
    }
}

bool Vlapic::expire_timer(u64 now) {
    if (!timer_.expire(now)) {
        return false;
    }
    (void)post(timer_.vector(), false);
    return true;
}

bool Vlapic::write_base(u64 value) {
    constexpr u64 address = 0x000FFFFFFFFFF000;
    const bool x2 = (value & base_x2apic) != 0;
    const bool on = (value & base_enable) != 0;
    const bool unknown = (value & ~(address | base_bootstrap | base_x2apic | base_enable)) != 0;
    const bool leaves_x2 = x2apic() && on && !x2; // only by switching it off
    if (unknown || (x2 && (!on || !x2apic_capable_)) || leaves_x2) {
        return false;
    }
    const bool was_on = enabled();
    base_ = value;
    if (was_on && !on) {
        init();
    }
    return true;
}

u32 Vlapic::logical_id() const {
    return x2apic() ? (id_ >> 4) << 16 | 1U << (id_ & 15) : logical_;
}

bool Vlapic::matches_logical(u32 destination) const {
    if (x2apic()) {
        const u32 own = logical_id();
        return own >> 16 == destination >> 16 && (own & destination & 0xFFFF) != 0;
    }
    const u32 own = logical_ >> 24;
    constexpr u32 flat = 0xF;
    if (format_ >> 28 == flat) {
        return (own & destination) != 0;
    }
    return own >> 4 == (destination >> 4 & 0xF) && (own & destination & 0xF) != 0;
}

bool Vlapic::matches(u32 destination, bool logical) const {
    constexpr u32 short_broadcast = 0xFF;
    if (destination == broadcast || (!x2apic() && destination == short_broadcast)) {
        return true;
    }
    return logical ? matches_logical(destination) : destination == id_;
}

bool Vlapic::accepts_external() const {
    constexpr u32 lint0 = 3;
    if (!enabled()) {
        return true;
    }
    return (lvt_[lint0] & lvt_bit::masked) == 0 &&
           (lvt_[lint0] >> lvt_bit::mode_shift & 7) == mode::external;
}

State Vlapic::state(u64 now) const {
    State s{};
    s.id = id_;
    s.version = version;
    s.logical_destination = logical_id();
    s.destination_format = format_;
    s.spurious = spurious_;
    copy(s.in_service, in_service_);
    copy(s.level, level_);
    copy(s.requested, requested_);
    s.errors = errors_;
    s.icr_high = static_cast<u32>(icr_ >> 32);
    s.icr_low = static_cast<u32>(icr_);
    s.lvt_timer = timer_.lvt();
    s.lvt_cmci = lvt_[0];
    s.lvt_thermal = lvt_[1];
    s.lvt_performance = lvt_[2];
    s.lvt_lint0 = lvt_[3];
    s.lvt_lint1 = lvt_[4];
    s.lvt_error = lvt_[5];
    s.error_status = __atomic_load_n(&new_errors_, __ATOMIC_RELAXED);
    s.timer_initial = timer_.initial();
    s.timer_current = timer_.current(now);
    s.timer_divide = timer_.divide();
    return s;
}

void Vlapic::set_state(const State& s, u64 now) {
    id_ = s.id;
    logical_ = s.logical_destination;
    format_ = s.destination_format;
    spurious_ = s.spurious & spurious_bit::writable;
    copy(in_service_, s.in_service);
    copy(level_, s.level);
    copy(requested_, s.requested);
    errors_ = s.errors;
    icr_ = u64{s.icr_high} << 32 | s.icr_low;
    const u32 entries[lvt_count] = {s.lvt_cmci,  s.lvt_thermal, s.lvt_performance,
                                    s.lvt_lint0, s.lvt_lint1,   s.lvt_error};
    for (u32 i = 0; i < lvt_count; ++i) {
        lvt_[i] = entries[i] & lvt_bit::writable;
    }
    __atomic_store_n(&new_errors_, s.error_status, __ATOMIC_RELAXED);
    timer_ = ApicTimer(timer_rate_);
    timer_.restore(s.lvt_timer, s.timer_initial, s.timer_divide, s.timer_current, now);
}

} // namespace mshv::standin::vlapic
