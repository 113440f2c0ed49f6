// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/console/log.hpp"

#include "tests/standin/freestanding/spinlock.hpp"
#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin {
namespace {

constexpr u16 port = 0x2F8;
constexpr u16 line_status = port + 5;
constexpr u8 takes_a_byte = 0x20;
constexpr u8 all_sent = 0x40;

Spinlock lock;

void wait_for(u8 status) {
    while ((in8(line_status) & status) == 0) {
        pause();
    }
}

void write_byte(char byte) {
    wait_for(takes_a_byte);
    out8(port, static_cast<u8>(byte));
}

} // namespace

void open_log() {
    out8(port + 1, 0);    // no interrupts
    out8(port + 3, 0x80); // the divisor: 115200 baud
    out8(port + 0, 1);
    out8(port + 1, 0);
    out8(port + 3, 0x03); // 8 bits, no parity
    out8(port + 2, 0x07); // FIFOs on and empty
    out8(port + 4, 0x03);
}

void write_log(const Line& line) {
    const Guard guard(lock);
    for (const char byte : line.text()) {
        write_byte(byte);
    }
    write_byte('\r');
    write_byte('\n');
    wait_for(all_sent); // the machine may be reset next
}

void panic(std::string_view why, u64 detail) {
    Log() << "panic " << why << ' ' << Hex{detail};
    stop();
}

} // namespace mshv::standin
