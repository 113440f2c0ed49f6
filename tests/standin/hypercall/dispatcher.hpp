// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/hypercall/control.hpp"
#include "tests/standin/partition/partition.hpp"

#include <span>

namespace mshv::standin::hypercall {

/// One call on its way: what it was given and what it has done.
struct Call {
    Partition& caller;
    u32 vp;          ///< of the caller, which runs on this processor
    const u8* input; ///< the header, its variable part, the elements
    u8* output;      ///< null for a call in registers
    u32 var_header;  ///< bytes
    u32 first;       ///< elements to work on: [first, last)
    u32 last;
    u32 done; ///< set by the handler as it goes on; begins at `first`
    const Form& form;

    template <typename T>
    [[nodiscard]] T in(u32 offset) const {
        T value{};
        __builtin_memcpy(&value, input + offset, sizeof(T));
        return value;
    }
    template <typename T>
    [[nodiscard]] T element(u32 index) const {
        return in<T>(form.header + var_header + index * form.element_in);
    }
    template <typename T>
    void out(u32 offset, T value) {
        __builtin_memcpy(output + offset, &value, sizeof(T));
    }
    template <typename T>
    void put_element(u32 index, T value) {
        out(form.output + index * form.element_out, value);
    }
};

using Handler = Status (*)(Call&);

/// Whether a call may be answered before it is done, and its end reported by a message, which names
/// the caller or else the partition that the input begins with.
enum class MayPend : u8 { no, yes, for_child };

struct Entry {
    Form form;
    u64 privilege; ///< what the caller must have
    Handler handler;
    MayPend may_pend = MayPend::no;
};

/// All calls that there are, by group.
std::span<const Entry> memory_calls();
std::span<const Entry> processor_calls();
std::span<const Entry> system_calls();
std::span<const Entry> interrupt_calls();
std::span<const Entry> stats_calls();
std::span<const Entry> synic_calls();
std::span<const Entry> remote_calls();
/// None but after allow_lab_calls().
std::span<const Entry> lab_calls();
std::span<const Entry> partition_calls();
std::span<const Entry> guest_memory_calls();
std::span<const Entry> vp_calls();
std::span<const Entry> register_calls();
std::span<const Entry> virtual_interrupt_calls();
std::span<const Entry> port_calls();

/// CREATE_VP of another partition than the caller.
Status create_child_vp(Call& call);

/// Calls that no other hypervisor has, for tests in the root. Before any VP runs.
void allow_lab_calls();

/// Whether there is such a call and it may be answered before it is done.
bool may_pend(u32 code);

/// Does what `vp`, number `index` of the caller and stopped at its VMMCALL, asks for, and leaves it
/// behind the instruction.
void dispatch(Partition& caller, u32 index, VirtualProcessor& vp);

} // namespace mshv::standin::hypercall
