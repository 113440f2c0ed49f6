// SPDX-License-Identifier: Apache-2.0
//
// A VMM of the smallest kind, on /dev/mshv: partitions with a few pages and some instructions each,
// and what they run into.
//
//   lab-child-vmm            all that it can try, a line each; status 0 if all holds
//   lab-child-vmm spin       a VP that never ends, for whoever kills its VMM
#include "mshv_interface.hpp"
#include "say.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

using namespace lab;

asm(R"(
    .section .rodata
    .code16
    .balign 16
payload_port:
    mov $0x41, %al
    mov $0x10, %dx
    out %al, %dx
    hlt
    .balign 16
payload_memory:
    movl $0x11223344, %fs:0x40
    mov %fs:0x44, %bl
    out %al, $0x20
    hlt
    .balign 16
payload_triple_fault:
    ud2
    .balign 16
payload_halt:
    movl $0x1FF, %es:0xF0
    out %al, $0x1F
    sti
    hlt
    out %al, $0x20
    .balign 16
payload_handler:
    out %al, $0x30
    movl $0, %es:0xB0
    iret
    .balign 16
payload_timer:
    movl $0x1FF, %es:0xF0
    movl $0x0B, %es:0x3E0
    movl $0x40, %es:0x320
    movl $2000000, %es:0x380
    sti
    hlt
    out %al, $0x20
    .balign 16
payload_starter:
    movl $0x1FF, %es:0xF0
    movl $0x01000000, %es:0x310
    movl $0x4500, %es:0x300
    movl $0x4602, %es:0x300
    sti
    hlt
    out %al, $0x20
    .balign 16
payload_started:
    out %al, $0x40
    hlt
    .balign 16
payload_doorbell:
    movl $7, %fs:0x80
    out %al, $0x20
    .balign 16
payload_counter:
    xor %ax, %ax
counts:
    inc %ax
    out %al, $0x50
    jmp counts
    .balign 16
payload_spin:
    jmp payload_spin
    .byte 0
    .code64
    .text
)");
extern "C" const u8 payload_port[], payload_memory[], payload_triple_fault[], payload_halt[],
    payload_handler[], payload_timer[], payload_starter[], payload_started[], payload_doorbell[],
    payload_counter[], payload_spin[];

class Partition {
public:
    static constexpr std::size_t size = 2 << 20;

    bool begin(int device);
    ~Partition();
    int add_vp(u32 index);
    void load(u64 gpa, const u8* code) { std::memcpy(memory_ + gpa, code, 96); }
    bool enter(u32 index, u64 rip);
    u32 run(u32 index);
    bool set(u32 index, u32 name, u64 low, u64 high = 0);
    bool skip(u32 index);
    bool to_port(u32 index, u16 port);
    int fd() const { return fd_; }

    template <typename T>
    T field(u32 index, std::size_t where) const {
        T value{};
        std::memcpy(&value, messages_[index].message + 16 + where, sizeof(T));
        return value;
    }

private:
    int fd_ = -1;
    int vps_[4] = {-1, -1, -1, -1};
    u8* memory_ = nullptr;
    RunVp messages_[4] = {};
};

bool Partition::begin(int device) {
    CreatePartition make{7, 0};
    fd_ = ioctl(device, create_partition, &make);
    if (!say(fd_ >= 0, "a partition is created")) {
        return false;
    }
    u64 features[3] = {0, 0x10001, 0x3 | 1U << 8 | 1U << 7 | 1U << 9};
    Hypercall property{0x45, 0, sizeof(features), 0, 0, {}, reinterpret_cast<u64>(features), 0};
    memory_ = static_cast<u8*>(
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::memset(memory_, 0, size);
    MemoryRegion region{size, 0, reinterpret_cast<u64>(memory_), 3, {}};
    return say(ioctl(fd_, call, &property) == 0, "it gets a property") &&
           say(ioctl(fd_, initialize) == 0, "it is initialized") &&
           say(ioctl(fd_, set_memory, &region) == 0, "it gets memory");
}

Partition::~Partition() {
    for (const int vp : vps_) {
        if (vp >= 0) {
            close(vp);
        }
    }
    if (fd_ >= 0) {
        close(fd_);
    }
    if (memory_ != nullptr) {
        munmap(memory_, size);
    }
}

int Partition::add_vp(u32 index) {
    CreateVp make{index};
    vps_[index] = ioctl(fd_, create_vp, &make);
    say(vps_[index] >= 0, "a VP is created");
    return vps_[index];
}

bool Partition::set(u32 index, u32 name, u64 low, u64 high) {
    u64 input[6] = {0, index, name, 0, low, high};
    Hypercall set{0x51, 1, sizeof(input), 0, 0, {}, reinterpret_cast<u64>(input), 0};
    return ioctl(vps_[index], call, &set) == 0;
}

bool Partition::enter(u32 index, u64 rip) {
    constexpr u64 data = 0x93ULL << 48 | 0xFFFFFFFF;
    constexpr u64 code = 0x9BULL << 48 | 0xFFFFFFFF;
    const u64 handler = 0x1100;
    std::memcpy(memory_ + 0x40 * 4, &handler, 4);
    load(handler, payload_handler);
    return set(index, 0x60001, 0, code) && set(index, 0x60003, 0, data) &&
           set(index, 0x60000, 0xFEE00000, data) && set(index, 0x60004, 0xD0000000, data) &&
           set(index, rip_name, rip) && set(index, 0x20011, 2) && set(index, 0x20004, 0x800);
}

u32 Partition::run(u32 index) {
    int result = 0;
    do {
        result = ioctl(vps_[index], run_vp, &messages_[index]);
    } while (result != 0 && errno == EINTR);
    u32 type = 0;
    std::memcpy(&type, messages_[index].message, sizeof(type));
    return result == 0 ? type : 0;
}

bool Partition::skip(u32 index) {
    return set(index, rip_name, field<u64>(index, 24) + (field<u8>(index, 4) & 0xF));
}

bool Partition::to_port(u32 index, u16 port) {
    const u32 type = run(index);
    if (type != io_port || field<u16>(index, 40) != port) {
        std::printf("instead: message %x at %lx\n", type, field<u64>(index, 24));
        return false;
    }
    return skip(index);
}

void try_port(int device) {
    Partition child;
    if (!child.begin(device) || child.add_vp(0) < 0) {
        return;
    }
    child.load(0x1000, payload_port);
    say(child.enter(0, 0x1000), "its registers are set");
    say(child.run(0) == io_port, "it runs into a port");
    say(child.field<u16>(0, 40) == 0x10 && (child.field<u64>(0, 48) & 0xFF) == 0x41,
        "the right one, with what it wrote");
}

void try_memory(int device) {
    Partition child;
    if (!child.begin(device) || child.add_vp(0) < 0) {
        return;
    }
    child.load(0x1000, payload_memory);
    child.enter(0, 0x1000);
    say(child.run(0) == unmapped_gpa && child.field<u64>(0, 56) == 0xD0000040 &&
            child.field<u8>(0, 44) != 0,
        "it runs into memory that is not there, with its instruction");
    child.skip(0);
    say(child.run(0) == unmapped_gpa && child.field<u64>(0, 56) == 0xD0000044, "and again");
    child.skip(0);
    say(child.to_port(0, 0x20), "and goes on");
}

void try_triple_fault(int device) {
    Partition child;
    if (!child.begin(device) || child.add_vp(0) < 0) {
        return;
    }
    child.load(0x1000, payload_triple_fault);
    child.enter(0, 0x1000);
    child.set(0, 0x70000, 0);
    say(child.run(0) == unrecoverable, "a triple fault is told");
}

void try_halt(int device) {
    Partition child;
    if (!child.begin(device) || child.add_vp(0) < 0) {
        return;
    }
    child.load(0x1000, payload_halt);
    child.enter(0, 0x1000);
    const int event = eventfd(0, EFD_CLOEXEC);
    Irqfd irq{event, -1, 5, 0};
    Routes routes{1, 0, {{5, 0xFEE00000, 0, 0x40}}};
    say(ioctl(child.fd(), set_routing, &routes) == 0 && ioctl(child.fd(), set_irqfd, &irq) == 0,
        "an interrupt is routed");
    say(child.to_port(0, 0x1F), "it is about to halt");
    pthread_t thread{};
    int argument = event;
    pthread_create(
        &thread, nullptr,
        [](void* fd) -> void* {
            const u64 one = 1;
            (void)!write(*static_cast<int*>(fd), &one, sizeof(one));
            return nullptr;
        },
        &argument);
    say(child.to_port(0, 0x30) && child.to_port(0, 0x20), "the interrupt wakes it");
    pthread_join(thread, nullptr);
    close(event);
}

void try_timer(int device) {
    Partition child;
    if (!child.begin(device) || child.add_vp(0) < 0) {
        return;
    }
    child.load(0x1000, payload_timer);
    child.enter(0, 0x1000);
    say(child.to_port(0, 0x30) && child.to_port(0, 0x20), "its APIC's timer wakes it");
}

void try_doorbell(int device) {
    Partition child;
    if (!child.begin(device) || child.add_vp(0) < 0) {
        return;
    }
    child.load(0x1000, payload_doorbell);
    child.enter(0, 0x1000);
    const int event = eventfd(0, EFD_CLOEXEC);
    Ioeventfd bell{7, 0xD0000080, 4, event, 1, {}};
    say(ioctl(child.fd(), set_ioeventfd, &bell) == 0, "a doorbell is connected");
    say(child.to_port(0, 0x20), "the write is no intercept");
    u64 count = 0;
    say(read(event, &count, sizeof(count)) == sizeof(count) && count == 1, "but rings");
    close(event);
}

struct Second {
    Partition* child;
    bool reached;
};

void try_two(int device) {
    Partition child;
    if (!child.begin(device) || child.add_vp(0) < 0 || child.add_vp(1) < 0) {
        return;
    }
    child.load(0x1000, payload_starter);
    child.load(0x2000, payload_started);
    child.enter(0, 0x1000);
    child.enter(1, 0);
    Second second{&child, false};
    pthread_t thread{};
    pthread_create(
        &thread, nullptr,
        [](void* what) -> void* {
            auto& one = *static_cast<Second*>(what);
            one.reached = one.child->to_port(1, 0x40);
            u64 interrupt[4] = {0, 0, 0, 0x40};
            Hypercall send{0x94, 0, 32, 0, 0, {}, reinterpret_cast<u64>(interrupt), 0};
            (void)ioctl(one.child->fd(), call, &send);
            return nullptr;
        },
        &second);
    say(child.to_port(0, 0x30) && child.to_port(0, 0x20), "the first VP is interrupted");
    pthread_join(thread, nullptr);
    say(second.reached, "the second one was started by it");
}

/// An interrupted run may end at the moment in which the VP stops of itself.
void try_signals(int device) {
    constexpr u32 most = 400;
    constexpr itimerval every_millisecond{{0, 1000}, {0, 1000}}, never{};
    Partition child;
    if (!child.begin(device) || child.add_vp(0) < 0) {
        return;
    }
    child.load(0x1000, payload_counter);
    child.enter(0, 0x1000);
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};
    sigaction(SIGALRM, &nothing, nullptr);
    setitimer(ITIMER_REAL, &every_millisecond, nullptr);
    u32 count = 0;
    bool right = true;
    while (right && count < most) {
        ++count;
        right = child.to_port(0, 0x50) && child.field<u16>(0, 48) == count;
    }
    setitimer(ITIMER_REAL, &never, nullptr);
    if (!say(right, "signals at any moment lose nothing and repeat nothing")) {
        std::printf("the %uth is %u\n", count, child.field<u16>(0, 48));
    }
}

void spin(int device) {
    Partition child;
    if (child.begin(device) && child.add_vp(0) >= 0) {
        child.load(0x1000, payload_spin);
        child.enter(0, 0x1000);
        std::printf("SPINS\n");
        std::fflush(stdout);
        (void)child.run(0);
    }
}

} // namespace

int main(int count, char** arguments) {
    const int device = open("/dev/mshv", O_RDWR | O_CLOEXEC);
    if (!say(device >= 0, "/dev/mshv opens")) {
        return 1;
    }
    if (count > 1 && std::strcmp(arguments[1], "spin") == 0) {
        spin(device);
        return 1;
    }
    try_port(device);
    try_memory(device);
    try_triple_fault(device);
    try_timer(device);
    try_halt(device);
    try_doorbell(device);
    try_two(device);
    try_signals(device);
    say(all_held, "all");
    return all_held ? 0 : 1;
}
