// SPDX-License-Identifier: Apache-2.0
//
// The last calls of each thread, in memory that outlives the process that makes them, and the
// kernel's complaints: when it has one, whoever watches prints which calls that may have been
// about.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_dice.hpp"

namespace fuzz {

constexpr u32 most_threads = 16;
constexpr u32 calls_kept = 256; // of each thread
constexpr u32 calls_shown = 24;

// Microseconds since boot, as in the kernel's log.
inline u64 now() {
    timespec time = {};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<u64>(time.tv_sec) * 1'000'000 + static_cast<u64>(time.tv_nsec) / 1000;
}

struct Call {
    u64 began, ended; ///< not ended: 0
    u32 number;       ///< of an ioctl; below 0x100: what else
    int fd;
    u64 argument[4];
    long result;
    int error;
};

struct Log {
    std::atomic<u64> count;
    Call calls[calls_kept];
};

struct Shared {
    std::atomic<u64> calls, accepted, runs;
    Log logs[most_threads];
};

inline Shared* make_shared() {
    void* const where =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return where == MAP_FAILED ? nullptr : static_cast<Shared*>(where);
}

// Writes down a call before it is made; the result is for ended().
inline Call& begun(Log& log, int fd, u32 number, const void* argument, std::size_t size) {
    const u64 at = log.count.fetch_add(1, std::memory_order_relaxed);
    Call& call = log.calls[at % calls_kept];
    call = {now(), 0, number, fd, {}, 0, 0};
    if (argument != nullptr) {
        std::memcpy(call.argument, argument,
                    size < sizeof(call.argument) ? size : sizeof(call.argument));
    }
    return call;
}

inline void ended(Call& call, long result, int error) {
    call.result = result;
    call.error = result < 0 ? error : 0;
    call.ended = now();
}

// The calls of a thread that began before that moment, the last ones.
inline void show(const Log& log, u32 thread, u64 moment) {
    const u64 count = log.count;
    u64 end = count;
    while (end > 0 && count - end + 1 < calls_kept &&
           log.calls[(end - 1) % calls_kept].began > moment) {
        --end;
    }
    u64 at = end > calls_shown ? end - calls_shown : 0;
    at = count - at > calls_kept ? count - calls_kept : at;
    for (; at < end; ++at) {
        const Call& call = log.calls[at % calls_kept];
        std::printf("thread %u %+.3f ms: 0x%08x on %d (%#lx %#lx %#lx %#lx)", thread,
                    (static_cast<double>(call.began) - static_cast<double>(moment)) / 1000,
                    call.number, call.fd, call.argument[0], call.argument[1], call.argument[2],
                    call.argument[3]);
        if (call.ended == 0) {
            std::printf(" does not return\n");
        } else {
            std::printf(" = %ld, errno %d, %lu us\n", call.result, call.error,
                        call.ended - call.began);
        }
    }
}

class KernelLog {
public:
    KernelLog() : fd_(open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
        lseek(fd_, 0, SEEK_END);
    }
    [[nodiscard]] int fd() const { return fd_; }
    // For people: what follows is from this.
    void say(const char* what) const { (void)!write(fd_, what, std::strlen(what)); }
    // Whether it has complained since; what, and when.
    bool complains() {
        char record[4096];
        for (;;) {
            const auto size = read(fd_, record, sizeof(record) - 1);
            if (size < 0 && errno == EPIPE) {
                continue; // some were overwritten
            }
            if (size <= 0) {
                return false;
            }
            record[size] = 0;
            if (is_complaint(record)) {
                keep(record);
                return true;
            }
        }
    }
    [[nodiscard]] const char* text() const { return text_; }
    [[nodiscard]] u64 moment() const { return moment_; }

private:
    static bool is_complaint(const char* record) {
        constexpr const char* words[] = {"WARNING:", "BUG:",  "Oops",
                                         "KASAN",    "INFO:", "general protection fault"};
        for (const char* word : words) {
            if (std::strstr(record, word) != nullptr) {
                return true;
            }
        }
        return false;
    }
    // priority,number,microseconds,flags;text
    void keep(const char* record) {
        const char* const text = std::strchr(record, ';');
        std::snprintf(text_, sizeof(text_), "%.*s",
                      static_cast<int>(std::strcspn(text ? text + 1 : record, "\n")),
                      text ? text + 1 : record);
        (void)std::sscanf(record, "%*u,%*u,%lu", &moment_);
    }

    int fd_;
    char text_[256] = {};
    u64 moment_ = 0;
};

} // namespace fuzz
