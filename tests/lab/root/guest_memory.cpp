// SPDX-License-Identifier: Apache-2.0
//
// A VMM that takes its guest's memory from it and gives it back: what becomes of contents, of large
// pages, and of the record of accesses.
//
//   lab-guest-memory pinned     with memory that is pinned
//   lab-guest-memory movable    with memory that is not, by the driver's parameter; it needs
//                               something to swap to
//
// A line each, status 0 if all holds.
#include "mshv_interface.hpp"
#include "say.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace lab;

constexpr u8 of_accesses = 0, of_writes = 1;
constexpr u8 look = 0, clear = 1, mark = 2;

constexpr std::size_t page = 4096, large = 2 << 20;
constexpr u32 words = page / sizeof(u32);
constexpr int collapse = 25; // MADV_COLLAPSE, which an older C library does not name
constexpr u64 data_gpa = 0x40000000;

// At EBP the pages, in EDX how many. Each ends with a port and begins again.
asm(R"(
    .section .rodata
    .code16
payload_sweep:
    mov %ebp, %esi
    mov %edx, %ecx
1:  incl (%esi)
    addl $0x1000, %esi
    decl %ecx
    jnz 1b
    out %al, $0x50
    jmp payload_sweep
payload_read:
    mov (%ebp), %eax
    out %al, $0x51
    jmp payload_read
    .fill 64, 1, 0
    .code64
    .text
)");
extern "C" const u8 payload_sweep[], payload_read[];
constexpr u64 sweep = 0x1000, read_one = 0x2000;

bool is_movable = false;

/// A number behind a word in a file of the kernel's.
long number_in(const char* file, const char* word) {
    char text[16384] = {};
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    const auto size = read(fd, text, sizeof(text) - 1);
    close(fd);
    const char* const found = size > 0 ? std::strstr(text, word) : nullptr;
    return found == nullptr ? -1 : std::strtol(found + std::strlen(word), nullptr, 10);
}

/// Pages that are pinned, of all processes. The kernel keeps what it counted last apart for each
/// processor and adds it up each second; what an earlier process gave back would otherwise get into
/// the difference of two readings.
long pins() {
    const int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1) {
        say(false, "the kernel adds up its counters");
    }
    close(fd);
    return number_in("/proc/vmstat", "nr_foll_pin_acquired ") -
           number_in("/proc/vmstat", "nr_foll_pin_released ");
}

/// Some memory of the VMM's, at a border of 2 MiB.
class Memory {
public:
    Memory(std::size_t size, int flags, int fd = -1, int protection = PROT_READ | PROT_WRITE)
        : size_(size) {
        auto* const place = static_cast<u8*>(
            mmap(nullptr, size + large, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        const auto begin = (reinterpret_cast<u64>(place) + large - 1) / large * large;
        at_ = static_cast<u8*>(
            mmap(reinterpret_cast<void*>(begin), size, protection, flags | MAP_FIXED, fd, 0));
    }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { munmap(at_, size_); }

    u8* at(std::size_t offset = 0) const { return at_ + offset; }
    u32& word(std::size_t number) const { return reinterpret_cast<u32*>(at_)[number]; }
    std::size_t size() const { return size_; }
    std::size_t pages() const { return size_ / page; }

    /// Each page knows its number.
    void fill() const {
        for (std::size_t i = 0; i < pages(); ++i) {
            for (u32 w = 1; w < words; ++w) {
                word(i * words + w) = static_cast<u32>(i * 0x10001 + w);
            }
            word(i * words) = 0;
        }
    }
    /// It still does, and its first word is this.
    bool holds(std::size_t i, u32 first) const {
        for (u32 w = 0; w < words; ++w) {
            const u32 due = w == 0 ? first : static_cast<u32>(i * 0x10001 + w);
            if (word(i * words + w) != due) {
                std::printf("page %zu word %u: %x, not %x\n", i, w, word(i * words + w), due);
                return false;
            }
        }
        return true;
    }
    bool all_hold(u32 first) const {
        for (std::size_t i = 0; i < pages(); ++i) {
            if (!holds(i, first)) {
                return false;
            }
        }
        return true;
    }

private:
    std::size_t size_;
    u8* at_ = nullptr;
};

constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

class Child {
public:
    explicit Child(int device);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        close(vp_);
        close(fd_);
    }

    bool give(const Memory& memory, u8 flags = writable | executable, u64 gpa = data_gpa) const {
        MemoryRegion region{
            memory.size(), gpa / page, reinterpret_cast<u64>(memory.at()), flags, {}};
        return ioctl(fd_, set_memory, &region) == 0;
    }
    bool take(const Memory& memory) const { return give(memory, unmap); }
    bool enter(u64 rip, std::size_t first, std::size_t pages) const;
    int run();
    bool skip() const { return set(0x20010, field<u64>(24) + (field<u8>(4) & 0xF)); }
    /// From one port to the next, as often.
    bool go(u32 times = 1);
    /// One bit a page.
    bool accesses(u8 type, u8 operation, std::size_t pages, u8* bitmap) const {
        AccessBitmap ask{type,  operation,       {},
                         pages, data_gpa / page, reinterpret_cast<u64>(bitmap)};
        return ioctl(fd_, get_access, &ask) == 0;
    }
    u32 type() const { return at<u32>(0); }
    template <typename T>
    T field(std::size_t where) const {
        return at<T>(16 + where);
    }

private:
    template <typename T>
    T at(std::size_t where) const {
        T value{};
        std::memcpy(&value, message_.message + where, sizeof(T));
        return value;
    }
    bool set(u32 name, u64 low, u64 high = 0) const {
        u64 input[6] = {0, 0, name, 0, low, high};
        Hypercall set{0x51, 1, sizeof(input), 0, 0, {}, reinterpret_cast<u64>(input), 0};
        return ioctl(vp_, call, &set) == 0;
    }

    Memory code_{16 * page, anonymous};
    int fd_ = -1;
    int vp_ = -1;
    RunVp message_ = {};
};

Child::Child(int device) {
    CreatePartition make{7, 0};
    fd_ = ioctl(device, create_partition, &make);
    u64 tracking[3] = {0, 0x50005, 1};
    Hypercall property{0x45, 0, sizeof(tracking), 0, 0, {}, reinterpret_cast<u64>(tracking), 0};
    u32 index = 0;
    std::memcpy(code_.at(sweep), payload_sweep, 64);
    std::memcpy(code_.at(read_one), payload_read, 64);
    const bool made = fd_ >= 0 && ioctl(fd_, initialize) == 0 && ioctl(fd_, call, &property) == 0 &&
                      give(code_, writable | executable, 0) &&
                      (vp_ = ioctl(fd_, create_vp, &index)) >= 0;
    if (!made) {
        say(false, "a child is made");
    }
}

bool Child::enter(u64 rip, std::size_t first, std::size_t pages) const {
    constexpr u64 data = 0x93ULL << 48 | 0xFFFFFFFF, code = 0x9BULL << 48 | 0xFFFFFFFF;
    return set(0x60001, 0, code) && set(0x60003, 0, data) &&
           set(0x20005, data_gpa + first * page) && set(0x20002, pages) && set(0x20010, rip) &&
           set(0x20011, 2);
}

/// 0, or what it ends with that is no signal.
int Child::run() {
    int result = 0;
    do {
        result = ioctl(vp_, run_vp, &message_);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

bool Child::go(u32 times) {
    for (u32 i = 0; i < times; ++i) {
        const int error = run();
        if (error != 0 || type() != io_port) {
            std::printf("instead: error %d, message %x, gpa %lx\n", error, type(), field<u64>(56));
            return false;
        }
        if (!skip()) {
            return false;
        }
    }
    return true;
}

// ---- contents ----

void write_file(const char* file, const char* text) {
    const int fd = open(file, O_WRONLY | O_CLOEXEC);
    (void)!write(fd, text, std::strlen(text));
    close(fd);
}

/// What takes pages from a process without changing what it sees of them.
void disturb(const Memory& memory, u32 turn) {
    switch (turn % 4) {
    case 0:
        (void)madvise(memory.at(), memory.size(), MADV_PAGEOUT);
        break;
    case 1:
        write_file("/proc/sys/vm/compact_memory", "1");
        break;
    case 2:
        (void)madvise(memory.at(), memory.size(), collapse);
        break;
    default:
        if (const pid_t copy = fork(); copy == 0) {
            for (std::size_t i = 0; i < memory.pages(); i += 3) {
                memory.word(i * words) = 0xDEAD;
            }
            _exit(0);
        } else {
            (void)waitpid(copy, nullptr, 0);
        }
    }
}

void try_contents_between_runs(int device) {
    const Memory memory(2 * large, anonymous);
    memory.fill();
    Child child(device);
    long swapped = 0;
    bool held = say(child.give(memory), "anonymous memory is given");
    held = child.enter(sweep, 0, memory.pages());
    for (u32 turn = 0; held && turn < 12; ++turn) {
        held = child.go() && memory.all_hold(turn + 1);
        disturb(memory, turn);
        swapped += number_in("/proc/self/status", "VmSwap:");
    }
    say(held && memory.all_hold(12),
        "what is paged out, moved and copied between runs is the same");
    if (is_movable) {
        say(swapped > 0, "some was swapped");
    }
}

struct Disturber {
    const Memory* memory;
    sem_t due;
};

constexpr u32 rounds = 3;
constexpr std::size_t piece = 36, pieces = 16;

/// In one way after the other, once for each piece that the guest begins. More than that could keep
/// the guest from ever getting on: where the hypervisor schedules, a page that was brought may be
/// gone before the guest is there.
void* disturb_meanwhile(void* what) {
    auto& self = *static_cast<Disturber*>(what);
    for (u32 turn = 0; turn < rounds * pieces; ++turn) {
        while (sem_wait(&self.due) != 0) {
        }
        disturb(*self.memory, turn);
    }
    return nullptr;
}

void try_contents_meanwhile(int device) {
    const Memory memory(pieces * piece * page, anonymous);
    memory.fill();
    Child child(device);
    child.give(memory);
    Disturber disturber{&memory, {}};
    sem_init(&disturber.due, 0, 0);
    pthread_t thread{};
    pthread_create(&thread, nullptr, disturb_meanwhile, &disturber);
    bool held = true;
    for (std::size_t i = 0; i < rounds * pieces; ++i) {
        held = held && child.enter(sweep, i % pieces * piece, piece);
        sem_post(&disturber.due);
        held = held && child.go();
    }
    pthread_join(thread, nullptr);
    sem_destroy(&disturber.due);
    say(held && memory.all_hold(rounds), "and so it is while the guest runs");
}

void try_file(int device) {
    const int file = memfd_create("memory", MFD_CLOEXEC);
    (void)!ftruncate(file, 64 * page);
    const Memory memory(64 * page, MAP_SHARED, file);
    const Memory other(64 * page, MAP_SHARED, file);
    memory.fill();
    Child child(device);
    child.give(memory);
    child.enter(sweep, 0, 64);
    bool held = child.go() && other.all_hold(1);
    (void)madvise(memory.at(), memory.size(), MADV_PAGEOUT);
    held = held && child.go() && other.all_hold(2);
    other.word(5 * words) = 40;
    say(held && child.go() && memory.word(5 * words) == 41, "memory of a file is one for all");
    if (is_movable) {
        fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 7 * page, 2 * page);
        say(child.go() && memory.word(7 * words) == 1 && memory.word(8 * words) == 1 &&
                memory.word(7 * words + 1) == 0 && memory.holds(9, 4),
            "the guest sees a hole that is punched, and what is behind it");
        (void)!ftruncate(file, 60 * page);
        say(child.run() == EFAULT && errno == EFAULT,
            "behind the end of the file there is nothing");
        (void)!ftruncate(file, 64 * page);
        say(child.go() && memory.word(60 * words) == 1 && memory.word(59 * words) == 5,
            "it goes on when there is again");
    }
    close(file);
}

void try_absence(int device) {
    const Memory memory(16 * page, anonymous);
    Child child(device);
    child.give(memory);
    child.enter(sweep, 0, 16);
    say(child.go(), "fresh memory is there");
    (void)madvise(memory.at(), page, MADV_DONTNEED);
    say(child.go() && memory.word(0) == 1 && memory.word(words) == 2,
        "what is let go reads as zero");
    munmap(memory.at(3 * page), 2 * page);
    say(child.run() == EFAULT, "the guest runs into what its VMM has unmapped: EFAULT");
    say(child.run() == EFAULT, "and again");
    mmap(memory.at(3 * page), 2 * page, PROT_READ | PROT_WRITE, anonymous | MAP_FIXED, -1, 0);
    say(child.go() && memory.word(3 * words) == 1 && memory.word(5 * words) == 3,
        "it goes on where it was when there is memory");
    (void)mprotect(memory.at(), memory.size(), PROT_READ);
    say(child.run() == EFAULT, "it cannot write where its VMM cannot");
    (void)mprotect(memory.at(), memory.size(), PROT_READ | PROT_WRITE);
    say(child.go() && memory.word(0) == 3, "until that can again");
    say(child.take(memory) && child.run() == 0 && child.type() != io_port,
        "a region is taken back");
    say(child.give(memory) && child.go() && memory.word(0) == 4, "and given again");
}

void try_rights(int device) {
    const Memory memory(4 * page, anonymous, -1, PROT_READ);
    Child child(device);
    say(!child.give(memory) && errno == EFAULT,
        "what the VMM may not write to is not lent for that");
    say(child.give(memory, executable), "but to be read");
    child.enter(read_one, 0, 1);
    say(child.go(), "the guest reads it");
    child.enter(sweep, 0, 1);
    say(child.run() == 0 && child.type() == gpa_intercept && child.field<u64>(56) == data_gpa &&
            child.field<u8>(5) == 1 && child.field<u8>(44) != 0,
        "the VMM gets to know that the guest writes to it, with the instruction");
}

void try_fork(int device) {
    const Memory memory(16 * page, anonymous);
    memory.fill();
    Child child(device);
    child.give(memory);
    child.enter(sweep, 0, 16);
    bool held = child.go();
    int ready[2] = {-1, -1};
    (void)!pipe(ready);
    const pid_t copy = fork();
    if (copy == 0) {
        char one = 0;
        (void)!read(ready[0], &one, 1);
        _exit(memory.all_hold(1) ? 0 : 1);
    }
    held = child.go() && held && memory.all_hold(2);
    (void)!write(ready[1], "", 1);
    int status = 0;
    (void)waitpid(copy, &status, 0);
    say(held && status == 0,
        "a process that the VMM forks has what there was, the guest goes on alone");
    close(ready[0]);
    close(ready[1]);
}

// ---- large pages, and the record of accesses ----

struct Record {
    u8 bits[large / page / 8];
    std::size_t count() const {
        std::size_t sum = 0;
        for (const u8 byte : bits) {
            sum += static_cast<std::size_t>(__builtin_popcount(byte));
        }
        return sum;
    }
    bool has(std::size_t i) const { return (bits[i / 8] >> i % 8 & 1) != 0; }
};

void try_small_record(int device) {
    const Memory memory(large, anonymous);
    (void)madvise(memory.at(), memory.size(), MADV_NOHUGEPAGE);
    memory.fill();
    Child child(device);
    child.give(memory);
    child.enter(sweep, 0, memory.pages());
    Record record{};
    child.go();
    say(child.accesses(of_writes, clear, 512, record.bits) && record.count() == 512,
        "what was written to is noted");
    say(child.accesses(of_writes, look, 512, record.bits) && record.count() == 0,
        "and is no longer when that is cleared");
    child.accesses(of_accesses, clear, 512, record.bits);
    child.enter(sweep, 77, 2);
    child.go();
    child.enter(read_one, 300, 1);
    child.go();
    bool held = child.accesses(of_writes, look, 512, record.bits) && record.count() == 2 &&
                record.has(77) && record.has(78);
    say(held && child.accesses(of_writes, look, 512, record.bits) && record.count() == 2,
        "writes are noted by page, and to look at it changes nothing");
    say(child.accesses(of_accesses, look, 512, record.bits) && record.count() == 3 &&
            record.has(300),
        "so are reads");
    held = child.accesses(of_writes, clear, 512, record.bits) && record.count() == 2;
    say(held && child.accesses(of_accesses, look, 512, record.bits) && record.count() == 3,
        "one is cleared without the other");
    held = child.accesses(of_writes, mark, 512, record.bits) && record.count() == 0;
    say(held && child.accesses(of_writes, clear, 512, record.bits) && record.count() == 512,
        "what is set reads so");

    child.enter(sweep, 100, 1);
    child.go();
    for (u32 turn = 0; turn < 4; ++turn) {
        disturb(memory, turn);
    }
    say(child.accesses(of_writes, clear, 512, record.bits) && record.has(100),
        "a write is not forgotten when the page is taken away");
    say(child.accesses(of_writes, look, 512, record.bits) && record.count() == 0,
        "it is told once");
    child.enter(sweep, 200, 1);
    child.go();
    say(child.accesses(of_writes, look, 512, record.bits) && record.count() == 1 && record.has(200),
        "one that comes back begins anew");
}

void try_large(int device) {
    const Memory memory(2 * large, anonymous);
    (void)madvise(memory.at(), memory.size(), MADV_HUGEPAGE);
    memory.fill();
    Child child(device);
    child.give(memory);
    Record record{};
    child.enter(sweep, 9, 1);
    child.go();
    say(child.accesses(of_writes, look, 512, record.bits) && record.count() == 512,
        "a large page of the VMM's is one of the guest's");
    say(child.accesses(of_writes, clear, 512, record.bits) && record.count() == 512 &&
            child.accesses(of_writes, look, 512, record.bits) && record.count() == 0,
        "what is noted of it is told, and cleared, of all its pages");
    if (!is_movable) {
        return;
    }
    // From one page on it is not one any more.
    (void)madvise(memory.at(20 * page), page, MADV_DONTNEED);
    child.enter(sweep, 30, 1);
    child.go();
    child.accesses(of_writes, clear, 512, record.bits);
    child.enter(sweep, 31, 1);
    child.go();
    say(child.accesses(of_writes, look, 512, record.bits) && record.count() == 1 && record.has(31),
        "it is many small ones when a part is let go");
    say(memory.holds(31, 1) && memory.holds(21, 0) && memory.word(20 * words + 1) == 0,
        "of which the others are the same");
    child.enter(sweep, 20, 1);
    child.go();
    (void)madvise(memory.at(), large, collapse);
    child.accesses(of_writes, clear, 512, record.bits);
    child.enter(sweep, 41, 1);
    child.go();
    say(child.accesses(of_writes, look, 512, record.bits) && record.count() == 512 &&
            memory.holds(41, 1) && memory.word(20 * words) == 1,
        "and a large one when they are collapsed");
}

void try_pins(int device) {
    const Memory memory(large, anonymous);
    const long before = pins();
    Child child(device);
    child.give(memory);
    child.enter(sweep, 0, memory.pages());
    child.go();
    const long locked = number_in("/proc/self/status", "VmLck:");
    if (is_movable) {
        say(pins() == before && locked == 0, "no page is pinned, and none is locked");
    } else {
        say(pins() >= before + 512 && locked >= 2048, "every page is pinned and locked");
    }
}

} // namespace

int main(int count, char** arguments) {
    is_movable = count > 1 && std::strcmp(arguments[1], "movable") == 0;
    const int device = open("/dev/mshv", O_RDWR | O_CLOEXEC);
    if (!say(device >= 0, "/dev/mshv opens")) {
        return 1;
    }
    try_pins(device);
    try_small_record(device);
    try_large(device);
    try_rights(device);
    try_file(device);
    try_fork(device);
    try_contents_between_runs(device);
    try_contents_meanwhile(device);
    if (is_movable) {
        try_absence(device);
    }
    say(all_held, "all");
    return all_held ? 0 : 1;
}
