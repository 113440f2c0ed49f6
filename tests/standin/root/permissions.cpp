// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/permissions.hpp"

#include "tests/standin/console/log.hpp"

namespace mshv::standin {

void Permissions::trap_ports(u16 first, u16 count) {
    for (u32 port = first; port < u32{first} + count; ++port) {
        ports_[port / 8] = static_cast<u8>(ports_[port / 8] | 1U << (port % 8));
    }
}

void Permissions::trap_msr(u32 number) {
    struct Range {
        u32 first;
        u32 offset; ///< of its two bits an MSR, in bytes
    };
    constexpr Range covered[] = {{0x00000000, 0x0000}, {0xC0000000, 0x0800}, {0xC0010000, 0x1000}};
    for (const Range& range : covered) {
        if (number >= range.first && number < range.first + 0x2000) {
            const u32 bit = (number - range.first) * 2;
            u8& byte = msrs_[range.offset + bit / 8];
            byte = static_cast<u8>(byte | 3U << (bit % 8));
            return;
        }
    }
    panic("this MSR cannot be told to exit", number);
}

} // namespace mshv::standin
