// SPDX-License-Identifier: Apache-2.0
//
// lab-clock-drift SECONDS: how far the hypervisor's reference TSC page goes apart from the ACPI power
// management timer, in parts per million, by the page itself and not by what the kernel makes of it.
// Source: TLFS, "Partition Reference TSC Mechanism"; ACPI 6.5, §4.8.3.3 and §5.2.9.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sched.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr double pm_timer_hz = 3'579'545;
constexpr double reference_hz = 10'000'000;
constexpr off_t reference_tsc_msr = 0x40000021;

[[noreturn]] void fail(const char* what) {
    std::printf("lab-clock-drift: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

std::uint64_t read_tsc() {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return std::uint64_t{high} << 32 | low;
}

class PowerTimer {
public:
    PowerTimer() {
        const int table = ::open("/sys/firmware/acpi/tables/FACP", O_RDONLY | O_CLOEXEC);
        std::uint32_t port = 0;
        std::uint32_t flags = 0;
        if (table < 0 || ::pread(table, &port, sizeof port, 76) != sizeof port ||
            ::pread(table, &flags, sizeof flags, 112) != sizeof flags || port == 0) {
            fail("no ACPI timer");
        }
        ::close(table);
        port_ = static_cast<std::uint16_t>(port);
        mask_ = (flags & 1U << 8) != 0 ? 0xFFFFFFFF : 0xFFFFFF;
        if (::ioperm(port_, 4, 1) != 0) {
            fail("its port is not allowed");
        }
    }
    [[nodiscard]] std::uint32_t read() const { return inl(port_); }
    [[nodiscard]] std::uint32_t since(std::uint32_t first, std::uint32_t last) const {
        return (last - first) & mask_;
    }

private:
    std::uint16_t port_ = 0;
    std::uint32_t mask_ = 0;
};

class ReferencePage {
public:
    ReferencePage() {
        const int registers = ::open("/dev/cpu/0/msr", O_RDONLY | O_CLOEXEC);
        std::uint64_t value = 0;
        if (registers < 0 ||
            ::pread(registers, &value, sizeof value, reference_tsc_msr) != sizeof value) {
            fail("cannot read where the page is");
        }
        ::close(registers);
        const int memory = ::open("/dev/mem", O_RDONLY | O_CLOEXEC);
        void* const page = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, memory,
                                  static_cast<off_t>(value & ~std::uint64_t{0xFFF}));
        if (memory < 0 || page == MAP_FAILED) {
            fail("cannot map the page");
        }
        ::close(memory);
        page_ = static_cast<const volatile std::uint64_t*>(page);
    }
    /// In units of 100 ns.
    [[nodiscard]] std::uint64_t at(std::uint64_t tsc) const {
        for (;;) {
            const auto sequence = static_cast<std::uint32_t>(page_[0]);
            const std::uint64_t scale = page_[1];
            const std::uint64_t offset = page_[2];
            if (sequence == 0) {
                std::puts("lab-clock-drift: the page is not valid");
                std::exit(1);
            }
            if (sequence == static_cast<std::uint32_t>(page_[0])) {
                __extension__ using Wide = unsigned __int128;
                return static_cast<std::uint64_t>(Wide{tsc} * scale >> 64) + offset;
            }
        }
    }

private:
    const volatile std::uint64_t* page_ = nullptr;
};

struct Moment {
    std::uint32_t power;
    std::uint64_t reference;
};

/// Both at one moment: of several tries the one that was interrupted least.
Moment read_both(const PowerTimer& timer, const ReferencePage& page) {
    Moment best{};
    std::uint64_t shortest = ~0ULL;
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t before = read_tsc();
        const std::uint32_t power = timer.read();
        const std::uint64_t length = read_tsc() - before;
        if (length < shortest) {
            shortest = length;
            best = {power, page.at(before + length / 2)};
        }
    }
    return best;
}

} // namespace

int main(int count, char** arguments) {
    const int seconds = count == 2 ? std::atoi(arguments[1]) : 0;
    if (seconds < 1) {
        std::puts("usage: lab-clock-drift SECONDS");
        return 2;
    }
    cpu_set_t first{};
    CPU_SET(0, &first);
    ::sched_setaffinity(0, sizeof first, &first);
    const PowerTimer timer;
    const ReferencePage page;
    const Moment begin = read_both(timer, page);
    Moment now = begin;
    double power = 0;
    while (power < seconds * pm_timer_hz) {
        const timespec second{1, 0};
        ::nanosleep(&second, nullptr); // paces: the timer may wrap after less than five seconds
        const Moment next = read_both(timer, page);
        power += timer.since(now.power, next.power);
        now = next;
    }
    const double by_page = static_cast<double>(now.reference - begin.reference) / reference_hz;
    const double by_timer = power / pm_timer_hz;
    std::printf("drift %.1f ppm in %.1f s\n", (by_page / by_timer - 1) * 1e6, by_timer);
    return 0;
}
