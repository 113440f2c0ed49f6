// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/interrupt_controller.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/vp/guest_code.hpp"
#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin::interrupt_controller {
namespace {

using vlapic::Command;
using vlapic::Effects;
namespace mode = vlapic::mode;

void post_event(ChildVp& vp, u32 event, u32 vector_bits, u32 vector_mask) {
    u32 old = __atomic_load_n(&vp.events, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&vp.events, &old,
                                        (old & ~vector_mask) | event | vector_bits, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    }
    scheduling::notify(vp, request::scan);
}

void deliver(ChildVp& vp, const Command& command) {
    switch (command.mode) {
    case mode::fixed:
    case mode::lowest_priority:
        if (vp.apic.post(command.vector, command.level)) {
            scheduling::notify(vp, request::scan);
        }
        return;
    case mode::nmi:
        post_event(vp, vp_event::nmi, 0, 0);
        return;
    case mode::init:
        if (command.asserted || !command.level) {
            post_event(vp, vp_event::init, 0, vp_event::startup);
        }
        return;
    case mode::startup:
        post_event(vp, vp_event::startup, command.vector << vp_event::startup_shift,
                   0xFFU << vp_event::startup_shift);
        return;
    case mode::external:
        post_event(vp, vp_event::external, command.vector << vp_event::external_shift,
                   0xFFU << vp_event::external_shift);
        return;
    default:
        Log() << "partition " << vp.partition.id << " delivery mode " << command.mode
              << " is not there";
    }
}

bool is_target(const ChildVp& vp, const ChildVp* sender, const Command& command) {
    switch (command.to) {
    case Command::To::self:
        return &vp == sender;
    case Command::To::all:
        return true;
    case Command::To::others:
        return &vp != sender;
    case Command::To::destination:
        break;
    }
    return vp.apic.matches(command.destination, command.logical);
}

void act(ChildVp& vp, const Effects& effects) {
    if (effects.sends) {
        send(vp.partition, &vp, effects.command);
    }
    if (effects.ended_level) {
        vp.ended_level = effects.ended_vector;
    }
}

struct Flags {
    static constexpr u64 carry = 1, parity = 4, zero = 0x40, sign = 0x80, overflow = 0x800;
};

/// Of a logical operation on 32 bits.
u64 flags_after(u64 rflags, u32 result) {
    rflags &= ~(Flags::carry | Flags::parity | Flags::zero | Flags::sign | Flags::overflow);
    rflags |= result == 0 ? Flags::zero : 0;
    rflags |= (result >> 31) != 0 ? Flags::sign : 0;
    rflags |= __builtin_parity(result & 0xFF) == 0 ? Flags::parity : 0;
    return rflags;
}

/// One register's access by the instructions that guests use for it.
bool do_instruction(ChildVp& vp, const Instruction& is, u32 where,
                    guest_code::NumberedRegisters& registers) {
    const bool loads = is.source.kind == OperandKind::memory;
    const u64 operand = is.source.kind == OperandKind::immediate ? static_cast<u64>(is.immediate)
                        : loads                                  ? 0
                                : read_register(is.source, registers.all);
    u32 before = 0;
    if (is.operation != Operation::mov || loads) {
        (void)vp.apic.read(where & ~15U, clock::now(), before);
        before = where % 16 < 4 ? before >> (8 * (where % 4)) : 0;
    }
    switch (is.operation) {
    case Operation::mov:
    case Operation::movzx:
        if (loads) {
            write_register(is.destination, low_bytes(before, is.source.size), registers.all);
        } else if (is.destination.size == 4 && where % 16 == 0) {
            write(vp, where, static_cast<u32>(operand));
        }
        return true;
    case Operation::xchg: {
        const Operand& reg = loads ? is.destination : is.source;
        const auto value = static_cast<u32>(read_register(reg, registers.all));
        write_register(reg, before, registers.all);
        write(vp, where, value);
        return true;
    }
    case Operation::bit_or:
    case Operation::bit_and: {
        const auto with =
            static_cast<u32>(loads ? read_register(is.destination, registers.all) : operand);
        const u32 result = is.operation == Operation::bit_or ? before | with : before & with;
        vp.cpu.vmcb.rflags = flags_after(vp.cpu.vmcb.rflags, result);
        if (loads) {
            write_register(is.destination, result, registers.all);
        } else {
            write(vp, where, result);
        }
        return true;
    }
    case Operation::test: {
        const u64 with = loads ? read_register(is.destination, registers.all) : operand;
        vp.cpu.vmcb.rflags = flags_after(vp.cpu.vmcb.rflags, before & static_cast<u32>(with));
        return true;
    }
    default:
        return false;
    }
}

} // namespace

void write(ChildVp& vp, u32 where, u32 value) {
    Effects effects;
    (void)vp.apic.write(where, value, clock::now(), effects);
    act(vp, effects);
}

bool write_msr(ChildVp& vp, u32 number, u64 value) {
    Effects effects;
    const bool done = vp.apic.write_msr(number, value, clock::now(), effects);
    if (done) {
        act(vp, effects);
    }
    return done;
}

bool emulate_access(ChildVp& vp, u64 gpa) {
    const bool is_there = (vp.partition.flags & creation::lapic) != 0 && vp.apic.enabled() &&
                          !vp.apic.x2apic() &&
                          align_down(gpa, page_size) == align_down(vp.apic.base(), page_size);
    if (!is_there) {
        return false;
    }
    const FetchResult fetched = guest_code::fetch(vp.partition, vp.cpu.vmcb);
    const DecodeResult decoded = decode(fetched.span(), guest_code::mode_of(vp.cpu.vmcb));
    guest_code::NumberedRegisters registers(vp.cpu);
    const u64 rip = vp.cpu.vmcb.rip;
    if (!decoded.ok() ||
        !do_instruction(vp, decoded.instruction, static_cast<u32>(gpa % page_size), registers)) {
        Log() << "partition " << vp.partition.id << " vp " << vp.index
              << " uses its APIC by an instruction that is not there rip " << Hex{rip};
        vp.cpu.raise_general_protection();
        vp.injected = vp.cpu.vmcb.event_injection;
        return true;
    }
    registers.put_back(vp.cpu);
    vp.cpu.skip(decoded.instruction.length);
    return true;
}

/// Of several that take a lowest-priority one, the first gets it.
void send(ChildPartition& partition, const ChildVp* sender, const Command& command) {
    for (u32 index = 0; index < max_vps; ++index) {
        ChildVp* const vp = find_vp(partition, index);
        if (vp == nullptr || !is_target(*vp, sender, command)) {
            continue;
        }
        deliver(*vp, command);
        if (command.mode == mode::lowest_priority) {
            return;
        }
    }
}

/// The old controllers have one line, to the first processor that listens to it.
void send_external(ChildPartition& partition, u32 vector) {
    Command command;
    command.mode = mode::external;
    command.vector = vector;
    for (u32 index = 0; index < max_vps; ++index) {
        ChildVp* const vp = find_vp(partition, index);
        if (vp != nullptr && vp->apic.accepts_external()) {
            deliver(*vp, command);
            return;
        }
    }
}

void clear_external(ChildPartition& partition) {
    for (u32 index = 0; index < max_vps; ++index) {
        if (ChildVp* const vp = find_vp(partition, index)) {
            __atomic_fetch_and(&vp->events, ~vp_event::external, __ATOMIC_ACQ_REL);
        }
    }
}

void interrupt(Partition& partition, u32 index, u32 vector) {
    ChildVp* const vp = find_vp(static_cast<ChildPartition&>(partition), index);
    if (vp != nullptr && vp->apic.post(vector, false)) {
        scheduling::notify(*vp, request::scan);
    }
}

u32 take_ended_level(ChildVp& vp) {
    const u32 vector = vp.ended_level;
    vp.ended_level = 0;
    return vector;
}

} // namespace mshv::standin::interrupt_controller
