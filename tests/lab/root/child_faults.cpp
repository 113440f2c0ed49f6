// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a VMM when the hypervisor fails in the midst of a call. The faults are those of
// the stand-in's command line; tests/lab/child_faults.py says which one belongs to which of these.
//
//   lab-child-faults deposit    each deposit fails after 100 pages
//   lab-child-faults map        mappings fail: at once, after 7 pages, after a large page
//   lab-child-faults pending    each property is set later than its call returns
//   lab-child-faults held       the same, and the first word of that is late
#include "mshv_interface.hpp"
#include "say.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace lab;

constexpr u32 time_freeze = 0x30003;
constexpr u64 page_size = 4096, large_page_size = 2 << 20;

/// All is closed at the end of the process at the latest.
class Partition {
public:
    explicit Partition(int device) {
        const u64 arguments[2] = {7, 0};
        fd_ = ioctl(device, create_partition, arguments);
    }
    ~Partition() {
        if (vp_ >= 0) {
            close(vp_);
        }
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    Partition(const Partition&) = delete;
    Partition& operator=(const Partition&) = delete;

    bool exists() const { return fd_ >= 0; }
    bool begin() const { return ioctl(fd_, initialize) == 0; }

    bool add_vp() {
        const u32 index = 0;
        vp_ = ioctl(fd_, create_vp, &index);
        return vp_ >= 0;
    }

    bool map(u64 gpa, void* memory, u64 size, u8 flags = writable | executable) const {
        MemoryRegion region{size, gpa / page_size, reinterpret_cast<u64>(memory), flags, {}};
        return ioctl(fd_, set_memory, &region) == 0;
    }

    bool set_property(u32 code, u64 value) const {
        const u64 in[3] = {0, code, value};
        Hypercall set{0x45, 0, sizeof(in), 0, 0, {}, reinterpret_cast<u64>(in), 0};
        return ioctl(fd_, call, &set) == 0;
    }

    u64 property(u32 code) const {
        const u64 in[2] = {0, code};
        u64 out = ~0ULL;
        Hypercall get{0x44,
                      0,
                      sizeof(in),
                      sizeof(out),
                      0,
                      {},
                      reinterpret_cast<u64>(in),
                      reinterpret_cast<u64>(&out)};
        return ioctl(fd_, call, &get) == 0 ? out : ~0ULL;
    }

    bool set_register(u32 name, u64 low, u64 high = 0) const {
        const u64 in[6] = {0, 0, name, 0, low, high};
        Hypercall set{0x51, 1, sizeof(in), 0, 0, {}, reinterpret_cast<u64>(in), 0};
        return ioctl(vp_, call, &set) == 0;
    }

    bool routes_nothing() const {
        const u64 table = 0;
        return ioctl(fd_, set_routing, &table) == 0;
    }

    /// What the guest reads at `gpa`; -1 where it finds no memory.
    int read(u64 gpa) const {
        constexpr u64 data = 0x93ULL << 48 | 0xFFFFFFFF;
        constexpr u64 code = 0x9BULL << 48 | 0xFFFFFFFF;
        RunVp run{};
        if (!set_register(cs_name, 0, code) || !set_register(fs_name, gpa, data) ||
            !set_register(rip_name, 0) || ioctl(vp_, run_vp, &run) != 0) {
            return -2;
        }
        u32 type = 0;
        std::memcpy(&type, run.message, sizeof(type));
        return type == unmapped_gpa ? -1 : type == io_port ? run.message[64] : -3;
    }

private:
    int fd_ = -1;
    int vp_ = -1;
};

u8* memory_of(u64 size, u8 filled) {
    // With room to begin at a large page.
    void* const all = mmap(nullptr, size + large_page_size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const u64 begin = (reinterpret_cast<u64>(all) + large_page_size - 1) & -large_page_size;
    auto* const memory = reinterpret_cast<u8*>(begin);
    (void)madvise(memory, size, MADV_HUGEPAGE);
    std::memset(memory, filled, size);
    return memory;
}

/// Of a line "NAME: 123 kB" of a file.
u64 kilobytes(const char* file, const char* name) {
    std::FILE* const lines = std::fopen(file, "r");
    char line[256];
    u64 sum = 0;
    while (lines != nullptr && std::fgets(line, sizeof(line), lines) != nullptr) {
        if (std::strncmp(line, name, std::strlen(name)) == 0) {
            sum += std::strtoull(line + std::strlen(name) + 1, nullptr, 10);
        }
    }
    if (lines != nullptr) {
        std::fclose(lines);
    }
    return sum;
}

/// How many of these partitions could not be initialized.
int refused_of(int device, int turns) {
    int refused = 0;
    for (int turn = 0; turn < turns; ++turn) {
        const Partition child(device);
        // What the root's own pool lacks is deposited, too.
        refused += child.exists() && !child.begin() && errno == EIO ? 1 : 0;
    }
    return refused;
}

/// The hypervisor has taken 100 pages of each: these are its own, and the 108 others the kernel's
/// again.
void try_deposit(int device) {
    constexpr int turns = 200;
    constexpr u64 lost_if_kept = turns * 108 * 4; // kilobytes
    // The processors' own lists fill up first.
    say(refused_of(device, turns) >= turns - 1, "an initialization without its memory fails");
    const u64 before = kilobytes("/proc/meminfo", "MemFree");
    say(refused_of(device, turns) == turns, "each time");
    const u64 after = kilobytes("/proc/meminfo", "MemFree");
    say(after + lost_if_kept / 2 > before, "what was not taken is free again");
    // Whatever is the hypervisor's must not be found here: it would be a fault.
    std::memset(std::malloc(after / 2 * 1024), 1, after / 2 * 1024);
    say(true, "what was taken is not");
}

void try_map(int device) {
    constexpr u64 small_at = 1 << 20, small_size = 64 * page_size;
    constexpr u64 large_at = 4 << 20, large_size = 2 * large_page_size;
    // mov %fs:0,%al; out %al,$0x10
    constexpr std::array<u8, 6> code = {0x64, 0xA0, 0, 0, 0xE6, 0x10};
    u8* const first = memory_of(page_size, 0);
    u8* const small = memory_of(small_size, 0x5A);
    u8* const large = memory_of(large_size, 0xA5);
    std::memcpy(first, code.data(), code.size());

    Partition child(device);
    if (!say(child.exists() && child.begin() && child.add_vp() && child.map(0, first, page_size),
             "a partition")) {
        return;
    }
    say(!child.map(small_at, small, small_size) && errno == EIO, "a mapping is refused");
    say(child.read(small_at) == -1, "and nothing is there");
    say(child.map(small_at, small, small_size), "the same again is not");
    say(child.read(small_at) == 0x5A && child.read(small_at + small_size - 1) == 0x5A,
        "and all is there");
    say(child.map(small_at, small, small_size, unmap), "it is taken away");
    say(!child.map(small_at, small, small_size) && errno == EIO, "one fails after 7 pages");
    say(child.read(small_at) == -1 && child.read(small_at + 6 * page_size) == -1,
        "and none of them is there");
    say(child.map(small_at, small, small_size), "the same again does not");
    say(child.read(small_at) == 0x5A, "and all is there");

    say(kilobytes("/proc/self/smaps", "AnonHugePages") * 1024 >= large_size,
        "there are large pages");
    say(!child.map(large_at, large, large_size) && errno == EIO, "one fails after a large page");
    say(child.read(large_at) == -1 && child.read(large_at + large_page_size - 1) == -1,
        "and that is not there");
    say(child.map(large_at, large, large_size), "the same again does not");
    say(child.read(large_at) == 0xA5 && child.read(large_at + large_size - 1) == 0xA5,
        "and all is there");
}

void try_pending(int device) {
    const Partition child(device);
    if (!say(child.exists() && child.begin(), "a partition")) {
        return;
    }
    for (u64 turn = 0; turn < 20; ++turn) {
        if (!child.set_property(time_freeze, turn % 2) || child.property(time_freeze) != turn % 2) {
            say(false, "a property is set when the ioctl returns");
            return;
        }
    }
    say(true, "a property is set when the ioctl returns");
    say(!child.set_property(0x12345, 0) && errno != 0, "and one that there is not is refused");
}

/// Until that process sleeps in the kernel, where only its end wakes it.
bool waits(pid_t process) {
    const std::string file = "/proc/" + std::to_string(process) + "/stat";
    for (;;) {
        std::FILE* const stat = std::fopen(file.c_str(), "r");
        char state = 0;
        const int found = stat != nullptr ? std::fscanf(stat, "%*d (%*[^)]) %c", &state) : 0;
        if (stat != nullptr) {
            std::fclose(stat);
        }
        if (found != 1 || state == 'Z') {
            return false;
        }
        if (state == 'D') {
            return true;
        }
    }
}

void try_held(int device) {
    const Partition child(device);
    const Partition other(device);
    if (!say(child.exists() && child.begin() && other.exists() && other.begin(),
             "two partitions")) {
        return;
    }
    const pid_t process = fork();
    if (process == 0) {
        (void)child.set_property(time_freeze, 1);
        _exit(0);
    }
    say(waits(process), "a process waits for the end of its hypercall");
    say(child.routes_nothing() && child.property(time_freeze) == 1,
        "the partition does not, for anybody else");
    int status = 0;
    kill(process, SIGKILL);
    say(waitpid(process, &status, 0) == process && WIFSIGNALED(status), "it can be killed");
    // The second message brings the first one with it, which nobody waits for any more.
    say(other.set_property(time_freeze, 1), "the other partition is not concerned");
    say(child.set_property(time_freeze, 0) && child.property(time_freeze) == 0,
        "the next hypercall is not ended by the first one's message");
}

struct Trial {
    const char* name;
    void (*run)(int device);
};
constexpr Trial trials[] = {
    {"deposit", try_deposit}, {"map", try_map}, {"pending", try_pending}, {"held", try_held}};

} // namespace

int main(int count, char** arguments) {
    const int device = open("/dev/mshv", O_RDWR | O_CLOEXEC);
    if (!say(device >= 0 && count == 2, "/dev/mshv opens")) {
        return 1;
    }
    for (const Trial& trial : trials) {
        if (std::strcmp(trial.name, arguments[1]) == 0) {
            trial.run(device);
            say(all_held, "all");
            return all_held ? 0 : 1;
        }
    }
    say(false, "there is such a trial");
    return 1;
}
