// SPDX-License-Identifier: Apache-2.0
//
// The calls that the fuzzer of /dev/mshv makes: random but shaped, mostly of the right kind for
// what they are made on, with arguments that are mostly plausible. The numbers and layouts are
// those of Linux, include/uapi/linux/mshv.h. What all threads of a process use is here as well.
#pragma once

#include <csignal>
#include <ftw.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "fuzz_dice.hpp"
#include "fuzz_log.hpp"

namespace fuzz {

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

// What is no ioctl, in the log.
constexpr u32 did_close = 1, did_map = 2, did_disturb = 3, did_write = 4, did_fork = 5;

constexpr u64 large_page = 2 << 20, arena_size = 4 * large_page;
constexpr u64 code_address = 0x1000;

// Writes where there is nothing and to ports, and halts: every kind of end of a run.
constexpr u8 payload[] = {0x64, 0xC6, 0x06, 0x80, 0x00, 0x07, // movb $7, %fs:0x80
                          0xE6, 0x20,                         // out %al, $0x20
                          0x0F, 0xA2,                         // cpuid
                          0xFB, 0xF4,                         // sti; hlt
                          0xEB, 0xF2};                        // jmp to the first

inline Shared* shared = nullptr;
inline thread_local Log* log_of_thread = nullptr;
inline std::atomic<u32> epoch{0};
inline bool alone = false; ///< one thread: nothing depends on the time

// Descriptors that all threads use. Each is closed once: by who takes it out of its slot.
template <u32 count>
class Slots {
public:
    // Every other time the one that all threads want now.
    int any(Dice& dice) const {
        return fds_[!alone && dice.one_in(2) ? epoch % count : dice.below(count)];
    }
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
            Call& call = begun(*log_of_thread, fd, did_close, nullptr, 0);
            ended(call, close(fd), errno);
        }
    }
    std::atomic<int> fds_[count];
};

inline int device = -1;
inline int backing = -1; ///< a file whose memory the arena is; else none
inline u8* arena = nullptr;
inline Slots<4> partitions;
inline Slots<8> vps;
inline Slots<6> events;
inline std::atomic<void*> kept_page{nullptr};
inline std::atomic<bool> over{false};
inline std::atomic<u32> working{0};

inline long ask_with(int fd, u32 number, void* argument, u32 readable) {
    Call& call = begun(*log_of_thread, fd, number, argument, readable);
    const long result = ioctl(fd, number, argument);
    ended(call, result, errno);
    shared->calls.fetch_add(1, std::memory_order_relaxed);
    if (result >= 0) {
        shared->accepted.fetch_add(1, std::memory_order_relaxed);
    }
    return result;
}

// What it points to is of the size that the number says.
inline long ask(int fd, u32 number, void* argument) {
    return ask_with(fd, number, argument, argument == nullptr ? 0 : number >> 16 & 0x3FFF);
}

inline u64 somewhere(Dice& dice) {
    return dice.mostly(reinterpret_cast<u64>(arena) + dice.below(arena_size / page) * page);
}

inline void make_partition(Dice& dice) {
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

inline void make_vp(Dice& dice) {
    u32 index = dice.mostly(dice.below(4));
    vps.put(dice, static_cast<int>(ask(partitions.any(dice), create_vp, &index)));
}

inline void change_memory(Dice& dice) {
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

inline void bind_interrupt(Dice& dice) {
    struct {
        int fd, resample;
        u32 gsi, flags;
    } irq = {events.any(dice), events.any(dice), dice.below(4), dice.below(4)};
    dice.garble(&irq, sizeof(irq));
    ask(partitions.any(dice), set_irqfd, &irq);
}

inline void bind_doorbell(Dice& dice) {
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

inline void route(Dice& dice) {
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

inline void set_registers(Dice& dice, int vp) {
    constexpr u64 data = 0x93UL << 48 | 0xFFFFFFFF, code = 0x9BUL << 48 | 0xFFFFFFFF;
    struct Register {
        u32 name, reserved[3];
        u64 low, high;
    };
    struct {
        u64 partition;
        u32 index, level;
        Register registers[5];
    } input = {0,
               0,
               0,
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

inline void pass_call(Dice& dice) {
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

inline void read_access(Dice& dice) {
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

inline void exchange_state(Dice& dice) {
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

inline void run(Dice& dice) {
    u8 message[256];
    const int vp = vps.any(dice);
    std::memcpy(arena + code_address, payload, sizeof(payload));
    set_registers(dice, vp);
    for (u32 turn = dice.below(8); turn > 0 && !over; --turn) {
        const bool ran = ask_with(vp, run_vp, message, 0) == 0;
        shared->runs.fetch_add(ran ? 1 : 0, std::memory_order_relaxed);
    }
}

inline void read_and_unmap(void* where) {
    if (where != nullptr) {
        u8 copy[64];
        std::memcpy(copy, where, sizeof(copy));
        munmap(where, page);
    }
}

// Some stay mapped when the processor's descriptor is closed.
inline void map_page(Dice& dice) {
    const int protection = dice.one_in(2) ? PROT_READ : PROT_READ | PROT_WRITE;
    const auto offset = static_cast<off_t>(dice.mostly(dice.below(4)) * page);
    const int fd = vps.any(dice);
    Call& call = begun(*log_of_thread, fd, did_map, &offset, sizeof(offset));
    void* const where = mmap(nullptr, page, protection, MAP_SHARED, fd, offset);
    ended(call, where == MAP_FAILED ? -1 : 0, errno);
    if (where != MAP_FAILED) {
        read_and_unmap(dice.one_in(4) ? kept_page.exchange(where) : where);
    }
}

// The monitor's memory changes under the guest's.
inline void disturb_memory(Dice& dice) {
    const u64 offset = (2 + dice.below(arena_size / page - 2)) * page;
    const std::size_t size = page * (1 + dice.below(16));
    if (offset + size > arena_size) {
        return;
    }
    const u32 how = dice.below(backing < 0 ? 4 : 5);
    const int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
    const u64 shown[] = {offset, size, how};
    Call& call = begun(*log_of_thread, -1, did_disturb, shown, sizeof(shown));
    long result = 0;
    if (how < 2) {
        result = madvise(arena + offset, size, MADV_DONTNEED);
    } else if (how == 2) {
        result = mprotect(arena + offset, size, protections[dice.below(3)]);
    } else if (how == 3) {
        mmap(arena + offset, size, protections[dice.below(3)],
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    } else {
        result = fallocate(backing, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           static_cast<off_t>(offset), static_cast<off_t>(size));
    }
    ended(call, result, errno);
}

// Also a number that this program does not know: an extension, or none.
inline u32 any_request(Dice& dice) {
    if (!dice.one_in(3)) {
        return dice.mostly(numbers[dice.below(sizeof(numbers) / sizeof(numbers[0]))]);
    }
    constexpr u32 sizes[] = {0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 128, 256};
    const u32 number = dice.one_in(2) ? dice.below(16) : 0xF0 + dice.below(16);
    return request(dice.below(4), number, sizes[dice.below(sizeof(sizes) / sizeof(sizes[0]))]);
}

inline void anything(Dice& dice) {
    u64 words[64];
    for (u64& word : words) {
        word = dice.one_in(4) ? somewhere(dice) : dice.one_in(2) ? dice.below(8) : dice.odd();
    }
    const int fds[] = {device, partitions.any(dice), vps.any(dice), events.any(dice)};
    const u32 number = any_request(dice);
    const bool wild = dice.one_in(4);
    void* const argument = wild ? reinterpret_cast<void*>(dice.odd()) : words;
    // One that may run for ever is run() only.
    if (number != run_vp || !wild) {
        const long made =
            ask_with(fds[dice.below(4)], number, argument, wild ? 0 : sizeof(Call::argument));
        if (made > 0) {
            close(static_cast<int>(made));
        }
    }
}

// What the driver shows of partitions that come and go.
inline void read_debugfs(Dice&) {
    const auto visit = [](const char* path, const struct stat*, int kind) {
        const int fd = kind == FTW_F ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
        if (fd >= 0) {
            char text[4096];
            while (read(fd, text, sizeof(text)) > 0) {
            }
            close(fd);
        }
        return over ? 1 : 0;
    };
    ftw("/sys/kernel/debug/mshv", visit, 8);
}

inline void write_event(Dice& dice) {
    const u64 one = 1;
    const int fd = events.any(dice);
    Call& call = begun(*log_of_thread, fd, did_write, nullptr, 0);
    ended(call, write(fd, &one, sizeof(one)), errno);
}

inline void replace_event(Dice& dice) {
    events.put(dice, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

inline void cancel(Dice& dice) {
    ask(vps.any(dice), cancel_run, nullptr);
}

inline void close_something(Dice& dice) {
    if (dice.one_in(3)) {
        partitions.close_one(dice);
    } else if (dice.one_in(2)) {
        vps.close_one(dice);
    } else {
        events.close_one(dice);
    }
}

inline void from_elsewhere(Dice& dice);

constexpr struct {
    void (*make)(Dice& dice);
    u32 weight;
} kinds[] = {{make_partition, 8},   {make_vp, 16},     {change_memory, 20}, {bind_interrupt, 16},
             {bind_doorbell, 16},   {route, 8},        {pass_call, 24},     {read_access, 10},
             {exchange_state, 12},  {run, 24},         {map_page, 8},       {disturb_memory, 8},
             {anything, 16},        {write_event, 16}, {replace_event, 8},  {cancel, 8},
             {close_something, 10}, {read_debugfs, 1}, {from_elsewhere, 1}};

constexpr u32 all_weights = [] {
    u32 sum = 0;
    for (const auto& kind : kinds) {
        sum += kind.weight;
    }
    return sum;
}();

inline void make_one(Dice& dice) {
    u32 at = dice.below(all_weights);
    for (const auto& kind : kinds) {
        if (at < kind.weight) {
            kind.make(dice);
            break;
        }
        at -= kind.weight;
    }
}

// The same descriptors in a process with other memory, which ends in the midst of it.
inline void from_elsewhere(Dice& dice) {
    const u64 seed = dice.next();
    Call& call = begun(*log_of_thread, -1, did_fork, &seed, sizeof(seed));
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGALRM, SIG_DFL);
        const itimerval soon = {{0, 0}, {0, 20'000}};
        setitimer(ITIMER_REAL, &soon, nullptr);
        Dice other(seed);
        for (u32 i = 0; i < 16; ++i) {
            make_one(other);
        }
        _exit(0);
    }
    while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    ended(call, child, errno);
}

} // namespace fuzz
