// SPDX-License-Identifier: Apache-2.0
//
// Ioctls on /dev/mshv that are random but shaped: mostly of the right kind for what they are made
// on, with arguments that are mostly plausible, by several threads on the same partitions. What is
// right is for the kernel to say: it may refuse all of it, but not complain, and lose nothing. The
// numbers and layouts are those of Linux, include/uapi/linux/mshv.h.
//
//   lab-mshv-fuzz SEED SECONDS [THREADS]      one thread makes the same calls for the same seed
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

constexpr u32 request(u32 direction, u32 number, u32 size) {
    return direction << 30 | size << 16 | 0xB8U << 8 | number;
}
constexpr u32 none = 0, in = 1, out = 2, both = 3;
constexpr u32 create_partition = request(in, 0, 16), initialize = request(none, 0, 0);
constexpr u32 create_vp = request(in, 1, 4), set_memory = request(in, 2, 32);
constexpr u32 set_irqfd = request(in, 3, 16), set_ioeventfd = request(in, 4, 32);
constexpr u32 set_routing = request(in, 5, 8), access_bitmap = request(both, 6, 32);
constexpr u32 call = request(both, 7, 32), run_vp = request(out, 0, 256);
constexpr u32 get_state = request(both, 1, 16), set_state = request(both, 2, 16);
constexpr u32 cancel_run = request(none, 0xF1, 0);
constexpr u32 numbers[] = {create_partition, initialize,  create_vp,     set_memory, set_irqfd,
                           set_ioeventfd,    set_routing, access_bitmap, call,       run_vp,
                           get_state,        set_state,   cancel_run};

constexpr u32 most_threads = 16;
constexpr u64 page = 4096;
constexpr u64 large_page = 2 << 20, arena_size = 4 * large_page;
constexpr u64 code_address = 0x1000;

// Writes where there is nothing and to ports, and halts: every kind of end of a run.
constexpr u8 payload[] = {0x64, 0xC6, 0x06, 0x80, 0x00, 0x07, // movb $7, %fs:0x80
                          0xE6, 0x20,                         // out %al, $0x20
                          0x0F, 0xA2,                         // cpuid
                          0xFB, 0xF4,                         // sti; hlt
                          0xEB, 0xF2};                        // jmp to the first

// xorshift64*: one state of 64 bits, so that a seed says it all.
class Dice {
public:
    explicit Dice(u64 seed) : state_(seed * 0x9E3779B97F4A7C15 | 1) {}
    u64 next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545F4914F6CDD1D;
    }
    u32 below(u32 end) { return static_cast<u32>((next() >> 32) * end >> 32); }
    bool one_in(u32 n) { return below(n) == 0; }
    // A number near a border, or any.
    u64 odd() {
        constexpr u64 borders[] = {0,       1,          page - 1,   page,    page + 1,
                                   1 << 20, 0x7FFFFFFF, 0xFFFFFFFF, 1UL << 40, 1UL << 52,
                                   1UL << 63, ~0UL - page, ~0UL};
        const u64 any = next();
        return one_in(3) ? any : borders[below(sizeof(borders) / sizeof(borders[0]))];
    }
    // What is right, but for once in a while.
    template <typename T>
    T mostly(T right) {
        return one_in(40) ? static_cast<T>(odd()) : right;
    }
    void garble(void* what, std::size_t size) {
        if (one_in(40)) {
            static_cast<u8*>(what)[below(static_cast<u32>(size))] ^= static_cast<u8>(next());
        }
    }

private:
    u64 state_;
};

// Descriptors that all threads use. Each is closed once: by who takes it out of its slot.
template <u32 count>
class Slots {
public:
    int any(Dice& dice) const { return fds_[dice.below(count)]; }
    void put(Dice& dice, int fd) {
        if (fd >= 0) {
            shut(fds_[dice.below(count)].exchange(fd));
        }
    }
    void close_one(Dice& dice) { shut(fds_[dice.below(count)].exchange(-1)); }
    void close_all() {
        for (auto& fd : fds_) {
            shut(fd.exchange(-1));
        }
    }
    Slots() {
        for (auto& fd : fds_) {
            fd = -1;
        }
    }

private:
    static void shut(int fd) {
        if (fd >= 0) {
            close(fd);
        }
    }
    std::atomic<int> fds_[count];
};

int device = -1;
u8* arena = nullptr;
Slots<4> partitions;
Slots<8> vps;
Slots<6> events;
std::atomic<bool> over{false};
std::atomic<u32> working{0};
std::atomic<u64> calls{0}, accepted{0}, runs{0};

long ask(int fd, u32 number, void* argument) {
    const long result = ioctl(fd, number, argument);
    calls.fetch_add(1, std::memory_order_relaxed);
    if (result >= 0) {
        accepted.fetch_add(1, std::memory_order_relaxed);
    }
    return result;
}

u64 somewhere(Dice& dice) {
    return dice.mostly(reinterpret_cast<u64>(arena) + dice.below(arena_size / page) * page);
}

void make_partition(Dice& dice) {
    u8 words[64] = {};
    const u64 flags = dice.one_in(4) ? dice.below(64) : 7;
    const u16 banks = dice.mostly<u16>(2);
    std::memcpy(words, &flags, sizeof(flags));
    std::memcpy(words + 16, &banks, sizeof(banks));
    dice.garble(words, sizeof(words));
    const int fd = static_cast<int>(ask(device, create_partition, words));
    if (fd >= 0 && !dice.one_in(10)) {
        ask(fd, initialize, nullptr);
    }
    partitions.put(dice, fd);
}

void make_vp(Dice& dice) {
    u32 index = dice.mostly(dice.below(4));
    vps.put(dice, static_cast<int>(ask(partitions.any(dice), create_vp, &index)));
}

void change_memory(Dice& dice) {
    struct {
        u64 size, guest_page, address;
        u8 flags, reserved[7];
    } region = {};
    // Few, so that what is taken back was given.
    const u64 which = dice.below(4);
    region.size = dice.mostly(which == 3 ? 512 * page : (which + 1) * 64 * page);
    region.guest_page = dice.mostly(which * 512);
    region.address = dice.mostly(reinterpret_cast<u64>(arena) + (which << 21));
    region.flags = static_cast<u8>(dice.one_in(3) ? 4 : dice.one_in(4) ? dice.below(8) : 3);
    dice.garble(&region, sizeof(region));
    ask(partitions.any(dice), set_memory, &region);
}

void bind_interrupt(Dice& dice) {
    struct {
        int fd, resample;
        u32 gsi, flags;
    } irq = {events.any(dice), events.any(dice), dice.below(4), dice.below(4)};
    dice.garble(&irq, sizeof(irq));
    ask(partitions.any(dice), set_irqfd, &irq);
}

void bind_doorbell(Dice& dice) {
    struct {
        u64 match, address;
        u32 length;
        int fd;
        u32 flags;
        u8 reserved[4];
    } bell = {};
    bell.match = 7;
    bell.address = 0xD0000080;
    bell.length = dice.one_in(2) ? 1 : dice.below(9);
    bell.fd = events.any(dice);
    bell.flags = dice.one_in(3) ? 4 + dice.below(2) : dice.below(2);
    dice.garble(&bell, sizeof(bell));
    ask(partitions.any(dice), set_ioeventfd, &bell);
}

void route(Dice& dice) {
    struct {
        u32 count, reserved;
        struct {
            u32 gsi, address, address_high, data;
        } entries[32];
    } table = {};
    table.count = dice.mostly(dice.below(33));
    for (auto& entry : table.entries) {
        entry.gsi = dice.mostly(dice.below(4));
        entry.address = 0xFEE00000 | dice.below(4) << 12;
        entry.data = dice.mostly(0x40 + dice.below(16) + (dice.one_in(4) ? 0x8000 : 0));
    }
    dice.garble(&table, sizeof(table));
    ask(partitions.any(dice), set_routing, &table);
}

void set_registers(Dice& dice, int vp) {
    constexpr u64 data = 0x93UL << 48 | 0xFFFFFFFF, code = 0x9BUL << 48 | 0xFFFFFFFF;
    struct Register {
        u32 name, reserved[3];
        u64 low, high;
    };
    struct {
        u64 partition;
        u32 index, level;
        Register registers[5];
    } input = {0, 0, 0,
               {{0x60001, {}, 0, code},
                {0x60004, {}, 0xD0000000, data},
                {0x20010, {}, code_address, 0},
                {0x20011, {}, 2, 0},
                {0x20004, {}, 0x800, 0}}};
    dice.garble(&input, sizeof(input));
    struct {
        u16 code, reps, in_size, out_size, status;
        u8 reserved[6];
        u64 in, out;
    } set = {0x51, 5, sizeof(input), 0, 0, {}, reinterpret_cast<u64>(&input), 0};
    // An index that is not its own is refused: it is one of four.
    for (input.index = 0; input.index < 4; ++input.index) {
        set.reps = 5;
        set.status = 0;
        ask(vp, call, &set);
    }
}

void pass_call(Dice& dice) {
    constexpr u16 codes[] = {0x44, 0x45, 0x4D, 0x50, 0x51, 0x52, 0x56,
                             0x91, 0x94, 0xC0, 0xC1, 0xC9, 0xF4, 0x101};
    u64 input[64] = {};
    u64 output[64];
    for (u64& word : input) {
        word = dice.one_in(2) ? 0 : dice.odd();
    }
    struct {
        u16 code, reps, in_size, out_size, status;
        u8 reserved[6];
        u64 in, out;
    } hypercall = {};
    hypercall.code = dice.mostly(codes[dice.below(sizeof(codes) / sizeof(codes[0]))]);
    hypercall.reps = static_cast<u16>(dice.one_in(2) ? 0 : dice.below(8));
    hypercall.in_size = dice.mostly(static_cast<u16>(dice.below(33) * 8));
    hypercall.out_size = dice.mostly(static_cast<u16>(dice.below(33) * 8));
    hypercall.in = dice.mostly(reinterpret_cast<u64>(input));
    // Whatever is put out must not hit this program's own stack behind it.
    const bool elsewhere = hypercall.out_size > sizeof(output) || dice.one_in(40);
    hypercall.out = elsewhere ? somewhere(dice) : reinterpret_cast<u64>(output);
    const int fds[] = {device, partitions.any(dice), vps.any(dice)};
    ask(fds[dice.below(3)], call, &hypercall);
}

void read_access(Dice& dice) {
    struct {
        u8 type, op, reserved[6];
        u64 count, base, bitmap;
    } states = {};
    states.type = dice.mostly(static_cast<u8>(dice.below(2)));
    states.op = dice.mostly(static_cast<u8>(dice.below(3)));
    states.count = dice.mostly<u64>(dice.below(600));
    states.base = dice.mostly<u64>(dice.below(4) * 512);
    states.bitmap = somewhere(dice);
    dice.garble(&states, sizeof(states));
    ask(partitions.any(dice), access_bitmap, &states);
}

void exchange_state(Dice& dice) {
    struct {
        u8 type, reserved[3];
        u32 size;
        u64 buffer;
    } state = {};
    state.type = dice.mostly(static_cast<u8>(dice.below(5)));
    state.size = dice.mostly(static_cast<u32>(page));
    state.buffer = somewhere(dice);
    dice.garble(&state, sizeof(state));
    const int vp = vps.any(dice);
    ask(vp, get_state, &state);
    if (dice.one_in(2)) {
        ask(vp, set_state, &state);
    }
}

void run(Dice& dice) {
    u8 message[256];
    const int vp = vps.any(dice);
    std::memcpy(arena + code_address, payload, sizeof(payload));
    set_registers(dice, vp);
    for (u32 turn = dice.below(8); turn > 0 && !over; --turn) {
        runs.fetch_add(ask(vp, run_vp, message) == 0 ? 1 : 0, std::memory_order_relaxed);
    }
}

void map_page(Dice& dice) {
    const int protection = dice.one_in(2) ? PROT_READ : PROT_READ | PROT_WRITE;
    const auto offset = static_cast<off_t>(dice.below(4) * page);
    void* const where = mmap(nullptr, page, protection, MAP_SHARED, vps.any(dice), offset);
    if (where != MAP_FAILED) {
        u8 copy[64];
        std::memcpy(copy, where, sizeof(copy));
        munmap(where, page);
    }
}

// The monitor's memory changes under the guest's.
void disturb_memory(Dice& dice) {
    u8* const where = arena + (2 + dice.below(arena_size / page - 2)) * page;
    const std::size_t size = page * (1 + dice.below(16));
    if (where + size <= arena + arena_size) {
        if (dice.one_in(2)) {
            madvise(where, size, MADV_DONTNEED);
        } else {
            mmap(where, size, dice.one_in(4) ? PROT_READ : PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        }
    }
}

void anything(Dice& dice) {
    u64 words[64];
    for (u64& word : words) {
        word = dice.odd();
    }
    const int fds[] = {device, partitions.any(dice), vps.any(dice), events.any(dice)};
    const u32 number = numbers[dice.below(sizeof(numbers) / sizeof(numbers[0]))];
    void* const argument = dice.one_in(4) ? reinterpret_cast<void*>(dice.odd()) : words;
    // One that may run for ever is run() only.
    if (number != run_vp || argument == words) {
        const long made = ask(fds[dice.below(4)], dice.mostly(number), argument);
        if (made > 0) {
            close(static_cast<int>(made));
        }
    }
}

void write_event(Dice& dice) {
    const u64 one = 1;
    (void)!write(events.any(dice), &one, sizeof(one));
}

void replace_event(Dice& dice) {
    events.put(dice, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void cancel(Dice& dice) {
    ask(vps.any(dice), cancel_run, nullptr);
}

void close_something(Dice& dice) {
    if (dice.one_in(3)) {
        partitions.close_one(dice);
    } else if (dice.one_in(2)) {
        vps.close_one(dice);
    } else {
        events.close_one(dice);
    }
}

constexpr struct {
    void (*make)(Dice& dice);
    u32 weight;
} kinds[] = {{make_partition, 4}, {make_vp, 8},       {change_memory, 10}, {bind_interrupt, 8},
             {bind_doorbell, 8},  {route, 4},         {pass_call, 12},     {read_access, 5},
             {exchange_state, 6}, {run, 12},          {map_page, 4},       {disturb_memory, 4},
             {anything, 6},       {write_event, 8},   {replace_event, 4},  {cancel, 4},
             {close_something, 5}};

constexpr u32 all_weights = [] {
    u32 sum = 0;
    for (const auto& kind : kinds) {
        sum += kind.weight;
    }
    return sum;
}();

void* work(void* seed) {
    Dice dice(reinterpret_cast<u64>(seed));
    while (!over) {
        u32 at = dice.below(all_weights);
        for (const auto& kind : kinds) {
            if (at < kind.weight) {
                kind.make(dice);
                break;
            }
            at -= kind.weight;
        }
    }
    --working;
    return nullptr;
}

// A run without an end ends by a signal, which the program survives.
void call_out(const pthread_t* workers, u32 threads, int timer) {
    u64 times = 0;
    (void)!read(timer, &times, sizeof(times));
    for (u32 i = 0; i < threads; ++i) {
        pthread_kill(workers[i], SIGUSR1);
    }
}

void fuzz(u64 seed, u32 threads, time_t end) {
    struct sigaction nothing = {};
    nothing.sa_handler = [](int) {};
    sigaction(SIGUSR1, &nothing, nullptr);
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    const itimerspec often = {{0, 10'000'000}, {0, 10'000'000}};
    timerfd_settime(timer, 0, &often, nullptr);
    pthread_t workers[most_threads];
    working = threads;
    for (u64 i = 0; i < threads; ++i) {
        pthread_create(&workers[i], nullptr, work, reinterpret_cast<void*>(seed * 16 + i));
    }
    while (time(nullptr) < end) {
        call_out(workers, threads, timer);
    }
    over = true;
    // They may have begun runs since; one that is through stays a thread until it is joined.
    while (working > 0) {
        call_out(workers, threads, timer);
    }
    for (u32 i = 0; i < threads; ++i) {
        pthread_join(workers[i], nullptr);
    }
    close(timer);
}

} // namespace

int main(int count, char** arguments) {
    if (count < 3) {
        std::printf("usage: lab-mshv-fuzz SEED SECONDS [THREADS]\n");
        return 2;
    }
    const u64 seed = std::strtoul(arguments[1], nullptr, 0);
    const auto end = time(nullptr) + std::strtol(arguments[2], nullptr, 0);
    const u64 threads = count > 3 ? std::strtoul(arguments[3], nullptr, 0) : 4;
    device = open("/dev/mshv", O_RDWR | O_CLOEXEC);
    arena = static_cast<u8*>(mmap(nullptr, arena_size + large_page, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (device < 0 || arena == MAP_FAILED || threads == 0 || threads > most_threads) {
        std::printf("FAILED: /dev/mshv, memory or arguments (errno %d)\n", errno);
        return 1;
    }
    arena += large_page - reinterpret_cast<u64>(arena) % large_page;
    madvise(arena, arena_size, MADV_HUGEPAGE);
    fuzz(seed, static_cast<u32>(threads), end);
    vps.close_all();
    partitions.close_all();
    events.close_all();
    std::printf("ok: %lu calls, %lu accepted, %lu runs to a message\n", calls.load(),
                accepted.load(), runs.load());
    return 0;
}
