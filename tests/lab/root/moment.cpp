// SPDX-License-Identifier: Apache-2.0
//
// lab-moment [TIMES]: the TSC and the kernel's clock in nanoseconds at one moment, of several tries the
// one that was interrupted least. A child's TSC is the machine's but for an offset, so that two of
// these, here and in a child, tell how far the two clocks go apart, however long an answer takes.
// So often it also says what the kernel's timer list knows of clock and ticks, and once how many timer
// interrupts each processor has had: in one process, since under load each costs seconds.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

std::uint64_t read_tsc() {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return std::uint64_t{high} << 32 | low;
}

/// The first number behind `word` in a file, from where the last search in it ended.
bool find_number(std::FILE* file, const char* word, unsigned long long& number) {
    char line[512];
    while (std::fgets(line, sizeof(line), file) != nullptr) {
        const char* const found = std::strstr(line, word);
        if (found != nullptr) {
            return std::sscanf(found + std::strlen(word), "%llu", &number) == 1;
        }
    }
    return false;
}

bool print_ticks() {
    std::FILE* const list = std::fopen("/proc/timer_list", "r");
    unsigned long long now = 0;
    unsigned long long jiffies = 0;
    const bool found = list != nullptr && find_number(list, "now at ", now) &&
                       find_number(list, "jiffies: ", jiffies);
    if (list != nullptr) {
        std::fclose(list);
    }
    std::printf("now %llu jiffies %llu\n", now, jiffies);
    return found;
}

/// Of its own APIC's and of the hypervisor's.
bool print_timers() {
    std::FILE* const interrupts = std::fopen("/proc/interrupts", "r");
    char line[512];
    while (interrupts != nullptr && std::fgets(line, sizeof(line), interrupts) != nullptr) {
        if (std::strstr(line, "LOC:") != nullptr || std::strstr(line, "HVS:") != nullptr) {
            std::fputs(line, stdout);
        }
    }
    return interrupts != nullptr && std::fclose(interrupts) == 0;
}

} // namespace

int main(int count, char** words) {
    constexpr int tries = 1000;
    std::uint64_t shortest = UINT64_MAX;
    std::uint64_t tsc = 0;
    timespec time{};
    for (int i = 0; i < tries; ++i) {
        timespec now{};
        const std::uint64_t before = read_tsc();
        if (::clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
            return 1;
        }
        const std::uint64_t took = read_tsc() - before;
        if (took < shortest) {
            shortest = took;
            tsc = before + took / 2;
            time = now;
        }
    }
    std::printf("tsc %llu clock %llu\n", static_cast<unsigned long long>(tsc),
                static_cast<unsigned long long>(time.tv_sec) * 1'000'000'000 +
                    static_cast<unsigned long long>(time.tv_nsec));
    const int times = count > 1 ? std::atoi(words[1]) : 0;
    bool good = true;
    for (int i = 0; i < times; ++i) {
        good = print_ticks() && good;
    }
    return good && (times == 0 || print_timers()) ? 0 : 1;
}
