// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_apic_page.hpp"

#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/root/root_apic.hpp"
#include "tests/standin/root/root_exits.hpp"
#include "tests/standin/root/root_partition.hpp"
#include "tests/standin/vp/guest_code.hpp"

namespace mshv::standin {
namespace {

bool is_move_of_32_bits(const Instruction& instruction) {
    return instruction.operation == Operation::mov && instruction.destination.size == 4;
}

} // namespace

bool emulate_apic_access(Lp& lp, VirtualProcessor& vp) {
    const u64 gpa = vp.vmcb.exit_info_2;
    if (align_down(gpa, page_size) != local_apic::base) {
        return false;
    }
    const FetchResult fetched = guest_code::fetch(root_partition(), vp.vmcb);
    const DecodeResult decoded = decode(fetched.span(), guest_code::mode_of(vp.vmcb));
    const Instruction& instruction = decoded.instruction;
    if (!decoded.ok() || !is_move_of_32_bits(instruction)) {
        give_up(vp, "used its APIC by something else than a MOV of 32 bits:");
    }
    const auto where = static_cast<u32>(gpa % page_size);
    if (local_apic::is_x2apic()) {
        give_up(vp, "used its APIC's page in x2APIC mode:");
    }
    guest_code::NumberedRegisters registers(vp);
    const Operand& source = instruction.source;
    if (source.kind == OperandKind::memory) {
        write_register(instruction.destination, read_root_apic(lp, where), registers.all);
        registers.put_back(vp);
    } else {
        const u64 value = source.kind == OperandKind::immediate
                              ? static_cast<u64>(instruction.immediate)
                              : read_register(source, registers.all);
        write_root_apic(lp, where, static_cast<u32>(value));
    }
    vp.skip(instruction.length);
    return true;
}

} // namespace mshv::standin
