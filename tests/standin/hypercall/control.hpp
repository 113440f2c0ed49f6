// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/tlfs/status.hpp"

// The two words of every hypercall: what RCX asks and what RAX answers. Source: TLFS, "Hypercall
// Inputs" and "Hypercall Outputs". Pure; also compiled for the host, where it is tested.

namespace mshv::standin::hypercall {

constexpr u32 most_reps = 0xFFF;

struct Control {
    u16 code = 0;
    bool fast = false;     ///< the input is in registers
    u32 var_header = 0;    ///< of the variable part of the header, in bytes
    bool nested = false;   ///< meant for a hypervisor below
    u32 rep_count = 0;
    u32 rep_start = 0;
    bool reserved_bits = false; ///< some that must be zero are not
};

constexpr Control decode(u64 rcx) {
    constexpr u64 reserved = 0xF000'F000'0000'0000 | 0x78000000;
    return {static_cast<u16>(rcx),
            (rcx >> 16 & 1) != 0,
            static_cast<u32>(rcx >> 17 & 0x3FF) * 8,
            (rcx >> 31 & 1) != 0,
            static_cast<u32>(rcx >> 32 & most_reps),
            static_cast<u32>(rcx >> 48 & most_reps),
            (rcx & reserved) != 0};
}

/// `reps_done` counts from the first, those of earlier calls included.
constexpr u64 encode_result(Status status, u32 reps_done) {
    return static_cast<u64>(status) | u64{reps_done} << 32;
}

/// The shape of one call's input and output, in bytes.
struct Form {
    u16 code;
    const char* name;
    bool rep;            ///< works on a list
    bool variable;       ///< its header may be followed by a variable part
    u16 header;
    u16 element_in;
    u16 element_out;
    u16 output;          ///< besides the elements
};

/// Whether `control` may be asked of `form`, and whether what it names lies within the page that
/// holds `input` and `output` each; `success` when it does. A list call with nothing to do is one of
/// no elements. The count of a list call must not be below its start.
constexpr Status check(const Form& form, const Control& control, u64 input, u64 output) {
    if (control.reserved_bits || control.nested || (control.var_header != 0 && !form.variable)) {
        return Status::invalid_hypercall_input;
    }
    const bool listed = control.rep_count != 0 || control.rep_start != 0;
    if (listed && (!form.rep || control.rep_start >= control.rep_count)) {
        return Status::invalid_hypercall_input;
    }
    const u64 in = u64{form.header} + control.var_header + u64{form.element_in} * control.rep_count;
    const u64 out = u64{form.output} + u64{form.element_out} * control.rep_count;
    if (control.fast) {
        constexpr u64 registers = 16;
        return in <= registers && out == 0 ? Status::success : Status::invalid_hypercall_input;
    }
    const auto fits = [](u64 address, u64 size) {
        return size == 0 || (address % 8 == 0 && address % page_size + size <= page_size);
    };
    return fits(input, in) && fits(output, out) ? Status::success : Status::invalid_alignment;
}

} // namespace mshv::standin::hypercall
