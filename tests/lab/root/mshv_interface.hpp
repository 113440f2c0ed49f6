// SPDX-License-Identifier: Apache-2.0
//
// The interface of /dev/mshv as the VMMs of this folder use it: numbers and layouts are those of
// Linux, include/uapi/linux/mshv.h. Written out here, so that they do not move with that header.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lab {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

struct CreatePartition {
    u64 flags, isolation;
};
struct CreateVp {
    u32 index;
};
struct MemoryRegion {
    u64 size, guest_page, address;
    u8 flags, reserved[7];
};
struct Irqfd {
    std::int32_t fd, resample;
    u32 gsi, flags;
};
struct Ioeventfd {
    u64 match, address;
    u32 length;
    std::int32_t fd;
    u32 flags;
    u8 reserved[4];
};
struct Routes {
    u32 count, reserved;
    struct {
        u32 gsi, address, address_high, data;
    } entries[1];
};
struct AccessBitmap {
    u8 type, operation, reserved[6];
    u64 pages, first, bitmap;
};
struct Hypercall {
    u16 code, reps, in_size, out_size, status;
    u8 reserved[6];
    u64 in, out;
};
struct RunVp {
    alignas(8) u8 message[256];
};

constexpr u32 request(u32 direction, u32 number, std::size_t size) {
    return direction << 30 | static_cast<u32>(size) << 16 | 0xB8U << 8 | number;
}
constexpr u32 none = 0, in = 1, out = 2, both = 3;
constexpr u32 create_partition = request(in, 0, sizeof(CreatePartition));
constexpr u32 initialize = request(none, 0, 0);
constexpr u32 create_vp = request(in, 1, sizeof(CreateVp));
constexpr u32 set_memory = request(in, 2, sizeof(MemoryRegion));
constexpr u32 set_irqfd = request(in, 3, sizeof(Irqfd));
constexpr u32 set_ioeventfd = request(in, 4, sizeof(Ioeventfd));
constexpr u32 set_routing = request(in, 5, 8);
constexpr u32 get_access = request(both, 6, sizeof(AccessBitmap));
constexpr u32 call = request(both, 7, sizeof(Hypercall));
constexpr u32 run_vp = request(out, 0, sizeof(RunVp));

constexpr u8 writable = 1, executable = 2, unmap = 4; // of a region
constexpr u32 unmapped_gpa = 0x80000000, gpa_intercept = 0x80000001, unrecoverable = 0x80000021,
              io_port = 0x80010000; // types of messages
constexpr u32 rip_name = 0x20010, cs_name = 0x60001, fs_name = 0x60004;

} // namespace lab
