// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes of a local APIC's registers.
#include "tests/standin/vlapic/registers.hpp"
#include "tests/standin/vlapic/vlapic.hpp"

namespace mshv::standin::vlapic {
namespace {

constexpr u32 lowest_vector = 16;
constexpr u32 first_msr = 0x800;
constexpr u32 last_msr = 0x8FF;
constexpr u64 high_half = 0xFFFFFFFF00000000;

/// One of eight words of a set; null when `where` is none of its registers.
const u32* word_of(const u32* words, u32 first, u32 where) {
    const bool is_one = where >= first && where < first + 0x80 && where % 0x10 == 0;
    return is_one ? &words[(where - first) / 0x10] : nullptr;
}

} // namespace

u32* Vlapic::lvt(u32 where) {
    switch (where) {
    case reg::lvt_cmci:
        return &lvt_[0];
    case reg::lvt_thermal:
    case reg::lvt_performance:
    case reg::lvt_lint0:
    case reg::lvt_lint1:
    case reg::lvt_error:
        return &lvt_[1 + (where - reg::lvt_thermal) / 0x10];
    default:
        return nullptr;
    }
}

/// Of the three sets of vectors.
const u32* Vlapic::word_at(u32 where) const {
    if (const u32* const word = word_of(in_service_, reg::in_service, where)) {
        return word;
    }
    if (const u32* const word = word_of(level_, reg::level, where)) {
        return word;
    }
    return word_of(requested_, reg::requested, where);
}

bool Vlapic::read(u32 where, u64 now, u32& value) const {
    if (const u32* const word = word_at(where)) {
        value = __atomic_load_n(word, __ATOMIC_RELAXED);
        return true;
    }
    if (const u32* const entry = const_cast<Vlapic*>(this)->lvt(where)) {
        value = *entry;
        return true;
    }
    switch (where) {
    case reg::id:
        value = x2apic() ? id_ : id_ << 24;
        return true;
    case reg::version:
        value = version;
        return true;
    case reg::task_priority:
        value = task_priority_;
        return true;
    case reg::processor_priority:
        value = processor_priority();
        return true;
    case reg::logical_destination:
        value = logical_id();
        return true;
    case reg::destination_format:
        value = format_;
        return true;
    case reg::spurious:
        value = spurious_;
        return true;
    case reg::error_status:
        value = errors_;
        return true;
    case reg::icr_low:
        value = static_cast<u32>(icr_);
        return true;
    case reg::icr_high:
        value = static_cast<u32>(icr_ >> 32);
        return true;
    case reg::lvt_timer:
        value = timer_.lvt();
        return true;
    case reg::timer_initial:
        value = timer_.initial();
        return true;
    case reg::timer_current:
        value = timer_.current(now);
        return true;
    case reg::timer_divide:
        value = timer_.divide();
        return true;
    case reg::arbitration_priority:
    case reg::eoi:
    case reg::remote_read:
        value = 0;
        return true;
    default:
        value = 0;
        return false;
    }
}

Command Vlapic::command_of(u64 icr) const {
    const auto low = static_cast<u32>(icr);
    Command command;
    command.vector = low & 0xFF;
    command.mode = low >> icr_bit::mode_shift & 7;
    command.logical = (low & icr_bit::logical) != 0;
    command.asserted = (low & icr_bit::asserted) != 0;
    command.level = (low & icr_bit::level) != 0;
    command.to = static_cast<Command::To>(low >> icr_bit::shorthand_shift & 3);
    command.destination = static_cast<u32>(x2apic() ? icr >> 32 : icr >> 56);
    return command;
}

/// What is on its way when the timer's registers change has come before.
bool Vlapic::write_timer(u32 where, u32 value, u64 now, Effects& effects) {
    (void)expire_timer(now);
    switch (where) {
    case reg::lvt_timer:
        timer_.write_lvt(value | (switched_on() ? 0 : lvt_bit::masked), now);
        break;
    case reg::timer_initial:
        timer_.write_initial(value, now);
        break;
    case reg::timer_divide:
        timer_.write_divide(value, now);
        break;
    default:
        return false;
    }
    effects.timer = true;
    return true;
}

/// Switching it off masks all local vectors.
void Vlapic::write_spurious(u32 value, u64 now, Effects& effects) {
    spurious_ = value & spurious_bit::writable;
    if (switched_on()) {
        return;
    }
    for (u32& entry : lvt_) {
        entry |= lvt_bit::masked;
    }
    (void)write_timer(reg::lvt_timer, timer_.lvt(), now, effects);
}

bool Vlapic::write(u32 where, u32 value, u64 now, Effects& effects) {
    if (u32* const entry = lvt(where)) {
        *entry = (value & lvt_bit::writable) | (switched_on() ? 0 : lvt_bit::masked);
        return true;
    }
    switch (where) {
    case reg::task_priority:
        task_priority_ = static_cast<u8>(value);
        return true;
    case reg::eoi:
        end_of_interrupt(effects);
        return true;
    case reg::logical_destination:
        logical_ = value & 0xFF000000;
        return true;
    case reg::destination_format:
        format_ = value | 0x0FFFFFFF;
        return true;
    case reg::spurious:
        write_spurious(value, now, effects);
        return true;
    case reg::error_status:
        errors_ = __atomic_exchange_n(&new_errors_, 0, __ATOMIC_RELAXED);
        return true;
    case reg::icr_high:
        icr_ = (icr_ & ~high_half) | u64{value} << 32;
        return true;
    case reg::icr_low:
        icr_ = (icr_ & high_half) | (value & icr_bit::writable);
        effects.sends = true;
        effects.command = command_of(icr_);
        if (effects.command.mode == mode::fixed && effects.command.vector < lowest_vector) {
            __atomic_fetch_or(&new_errors_, error_bit::sent_illegal_vector, __ATOMIC_RELAXED);
            effects.sends = false;
        }
        return true;
    case reg::id: // fixed here, as in all of today's
    case reg::timer_current:
        return true;
    default:
        return write_timer(where, value, now, effects);
    }
}

bool Vlapic::read_msr(u32 number, u64 now, u64& value) const {
    if (!x2apic() || number < first_msr || number > last_msr) {
        return false;
    }
    const u32 where = (number - first_msr) << 4;
    if (where == reg::icr_low) {
        value = icr_;
        return true;
    }
    u32 word = 0;
    const bool none = where == reg::icr_high || where == reg::destination_format ||
                      where == reg::arbitration_priority || where == reg::remote_read ||
                      where == reg::eoi || !read(where, now, word);
    value = word;
    return !none;
}

bool Vlapic::write_msr(u32 number, u64 value, u64 now, Effects& effects) {
    if (!x2apic() || number < first_msr || number > last_msr) {
        return false;
    }
    const u32 where = (number - first_msr) << 4;
    const auto low = static_cast<u32>(value);
    switch (where) {
    case reg::icr_low:
        icr_ = value & (high_half | icr_bit::writable);
        effects.sends = true;
        effects.command = command_of(icr_);
        return true;
    case reg::self_ipi:
        effects.sends = true;
        effects.command = {};
        effects.command.vector = low & 0xFF;
        effects.command.to = Command::To::self;
        return value <= 0xFF;
    case reg::eoi:
    case reg::error_status:
        return value == 0 && write(where, 0, now, effects);
    case reg::id:
    case reg::logical_destination:
    case reg::destination_format:
    case reg::icr_high:
    case reg::timer_current:
        return false;
    default:
        return value >> 32 == 0 && write(where, low, now, effects);
    }
}

} // namespace mshv::standin::vlapic
