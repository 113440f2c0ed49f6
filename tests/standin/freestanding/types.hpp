// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace mshv::standin {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

/// Addresses of the machine. The hypervisor runs with all of them mapped at themselves.
using PhysicalAddress = u64;
/// Addresses as a partition sees its memory. The root's are the machine's.
using GuestPhysicalAddress = u64;

constexpr u64 page_size = 4096;
constexpr u64 large_page_size = 2ULL << 20;
constexpr u64 huge_page_size = 1ULL << 30;

constexpr u64 align_down(u64 value, u64 alignment) {
    return value & ~(alignment - 1);
}
constexpr u64 align_up(u64 value, u64 alignment) {
    return align_down(value + alignment - 1, alignment);
}

/// What lies at an address, which must be within the machine's memory.
template <typename T>
T* at(PhysicalAddress address) {
    return reinterpret_cast<T*>(address); // NOLINT(performance-no-int-to-ptr): meant
}
inline PhysicalAddress address_of(const void* object) {
    return reinterpret_cast<PhysicalAddress>(object);
}

} // namespace mshv::standin
