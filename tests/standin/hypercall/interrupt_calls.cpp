// SPDX-License-Identifier: Apache-2.0
//
// Interrupts of the root's devices: which processor gets them, and what the device or the I/O APIC
// must be programmed with for that. Source of the layouts: Linux's include/asm-generic/hyperv-tlfs.h.
#include "tests/standin/freestanding/spinlock.hpp"
#include "tests/standin/console/log.hpp"
#include "tests/standin/hypercall/dispatcher.hpp"

namespace mshv::standin::hypercall {
namespace {

constexpr u32 source_msi = 1;
constexpr u32 source_io_apic = 2;
constexpr u64 device_type_io_apic = 2; // bits 63:62 of a device id
constexpr u32 target_is_set = 1U << 1;
constexpr u32 trigger_level = 1;
constexpr u8 lowest_vector = 0x10;

/// A mapping that is in force. Kept so that an unmap of what was never mapped is found out.
struct Mapping {
    u64 device;
    u32 vector;
    u32 lp;
    bool used;
};
constexpr std::size_t most_mappings = 2048;
Spinlock lock;
Mapping mappings[most_mappings];

/// The lowest VP of the target; max_vps when it names none.
u32 first_target(const Call& call) {
    const u32 flags = call.in<u32>(60);
    if ((flags & target_is_set) == 0) {
        const u64 mask = call.in<u64>(64);
        return mask == 0 ? static_cast<u32>(max_vps) : static_cast<u32>(__builtin_ctzll(mask));
    }
    if (call.var_header < 16) {
        return static_cast<u32>(max_vps);
    }
    // A sparse set: which banks of 64 there are, then those.
    const u64 banks = call.in<u64>(72);
    const u64 bank = call.in<u64>(80);
    if (banks == 0 || bank == 0) {
        return static_cast<u32>(max_vps);
    }
    return static_cast<u32>(__builtin_ctzll(banks)) * 64 + static_cast<u32>(__builtin_ctzll(bank));
}

u64 redirection_entry(u32 vector, bool level, u32 apic_id) {
    return u64{apic_id} << 56 | (level ? 1ULL << 15 : 0) | vector;
}

u64 message(u32 vector, u32 apic_id) {
    const u64 address = 0xFEE00000 | apic_id << 12;
    return u64{vector} << 32 | address;
}

/// { u64 partition, u64 device, u32 flags, u32, entry, { u32 type, trigger, count, -, target } }
/// -> { u32 source, u32, u64 MSI or redirection entry, u64 × 5 }
Status map_device_interrupt(Call& call) {
    const u64 device = call.in<u64>(8);
    const u32 vector = call.in<u32>(56);
    const u32 target = first_target(call);
    if (find_partition(call.caller, call.in<u64>(0)) != &call.caller) {
        return Status::invalid_partition_id;
    }
    if (target >= lps().size() || vector < lowest_vector || vector > 0xFF) {
        return Status::invalid_parameter;
    }
    const Guard guard(lock);
    Mapping* place = nullptr;
    for (Mapping& mapping : mappings) {
        if (!mapping.used) {
            place = &mapping;
            break;
        }
    }
    if (place == nullptr) {
        return Status::no_resources;
    }
    *place = {device, vector, target, true};
    const bool io_apic = device >> 62 == device_type_io_apic;
    const u32 apic_id = lps()[target].apic_id;
    call.out<u32>(0, io_apic ? source_io_apic : source_msi);
    call.out<u32>(4, 0);
    call.out<u64>(8, io_apic ? redirection_entry(vector, call.in<u32>(44) == trigger_level, apic_id)
                             : message(vector, apic_id));
    Log() << "device " << Hex{device} << " vector " << vector << " lp " << target;
    return Status::success;
}

/// { u64 partition, u64 device, entry, u32 }
Status unmap_device_interrupt(Call& call) {
    const u64 device = call.in<u64>(8);
    const u64 entry = call.in<u64>(24);
    const u32 vector = call.in<u32>(16) == source_io_apic ? static_cast<u32>(entry & 0xFF)
                                                          : static_cast<u32>(entry >> 32 & 0xFF);
    const Guard guard(lock);
    for (Mapping& mapping : mappings) {
        if (mapping.used && mapping.device == device && mapping.vector == vector) {
            mapping.used = false;
            return Status::success;
        }
    }
    return Status::not_found;
}

constexpr Entry entries[] = {
    {{0x7C, "map_device_interrupt", false, true, 72, 0, 0, 56}, privilege::cpu_management,
     map_device_interrupt},
    {{0x7D, "unmap_device_interrupt", false, false, 36, 0, 0, 0}, privilege::cpu_management,
     unmap_device_interrupt},
};

} // namespace

std::span<const Entry> interrupt_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
