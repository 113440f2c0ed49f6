// SPDX-License-Identifier: Apache-2.0
//
// lab-moment: the TSC and the kernel's clock in nanoseconds at one moment, of several tries the one
// that was interrupted least. A child's TSC is the machine's but for an offset, so that two of
// these, here and in a child, tell how far the two clocks go apart, however long an answer takes.

#include <cstdint>
#include <cstdio>
#include <ctime>

namespace {

std::uint64_t read_tsc() {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return std::uint64_t{high} << 32 | low;
}

} // namespace

int main() {
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
    return 0;
}
