// SPDX-License-Identifier: Apache-2.0
//
// Ioctls on /dev/mshv at random, by several threads that mostly want the same partition and
// processor at the same time. What is right is for the kernel to say: it may refuse all of it, but
// not complain, and lose nothing.
//
//   lab-mshv-fuzz SEED SECONDS [THREADS]
//
// It is done by one process after the other, each with a seed of its own, the Nth with SEED + N;
// some are killed in the midst of it. One thread makes the same calls for the same seed. When the
// kernel complains it ends with the last calls of each thread.
#include <cstdlib>
#include <poll.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "fuzz_calls.hpp"

namespace {

using namespace fuzz;

struct Worker {
    pthread_t thread;
    u64 seed;
    Log* log;
};

void* work(void* argument) {
    const Worker& worker = *static_cast<Worker*>(argument);
    log_of_thread = worker.log;
    Dice dice(worker.seed);
    while (!over) {
        make_one(dice);
    }
    --working;
    return nullptr;
}

// A run without an end ends by a signal, which the program survives.
void call_out(const Worker* workers, u32 threads, int timer) {
    u64 times = 0;
    (void)!read(timer, &times, sizeof(times));
    ++epoch;
    for (u32 i = 0; i < threads; ++i) {
        pthread_kill(workers[i].thread, SIGUSR1);
    }
}

void make_calls(u64 seed, u32 threads, u64 end) {
    struct sigaction nothing = {};
    nothing.sa_handler = [](int) {};
    sigaction(SIGUSR1, &nothing, nullptr);
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    const itimerspec often = {{0, 10'000'000}, {0, 10'000'000}};
    timerfd_settime(timer, 0, &often, nullptr);
    Worker workers[most_threads];
    working = threads;
    for (u32 i = 0; i < threads; ++i) {
        workers[i] = {{}, seed * most_threads + i, &shared->logs[i]};
        pthread_create(&workers[i].thread, nullptr, work, &workers[i]);
    }
    while (now() < end) {
        call_out(workers, threads, timer);
    }
    over = true;
    // They may have begun runs since; one that is through stays a thread until it is joined.
    while (working > 0) {
        call_out(workers, threads, timer);
    }
    for (u32 i = 0; i < threads; ++i) {
        pthread_join(workers[i].thread, nullptr);
    }
    close(timer);
}

// The arena is memory of its own, of large pages if there are any, or that of a file.
bool make_arena(u64 seed) {
    const u64 size = arena_size + large_page;
    if (seed % 2 == 1) {
        backing = memfd_create("arena", MFD_CLOEXEC);
        if (backing < 0 || ftruncate(backing, static_cast<off_t>(size)) != 0) {
            return false;
        }
    }
    void* const where = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                             backing < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, backing, 0);
    if (where == MAP_FAILED) {
        return false;
    }
    arena = static_cast<u8*>(where);
    if (backing < 0) {
        arena += large_page - reinterpret_cast<u64>(arena) % large_page;
        madvise(arena, arena_size, MADV_HUGEPAGE);
    }
    return true;
}

// One process. It comes to its end, or is killed before.
[[noreturn]] void live(u64 seed, u32 threads, u64 end) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    device = open("/dev/mshv", O_RDWR | O_CLOEXEC);
    if (device < 0 || !make_arena(seed)) {
        _exit(1);
    }
    log_of_thread = &shared->logs[0];
    alone = threads == 1;
    make_calls(seed, threads, end);
    vps.close_all();
    partitions.close_all();
    events.close_all();
    _exit(0);
}

struct Life {
    pid_t process;
    u64 until;
    bool to_be_killed; ///< then; else it ends by itself
};

// Whether it has ended, at the latest then. One that was killed may have been quicker.
bool has_ended(const Life& life, bool& as_told) {
    int status = 0;
    if (waitpid(life.process, &status, WNOHANG) != life.process) {
        return false;
    }
    as_told = (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
              (life.to_be_killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    // What it has forked and not waited for comes to this process.
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    return true;
}

// Until it has ended or the kernel complains: what is wrong then; empty if nothing is.
const char* watch(Life life, KernelLog& log) {
    constexpr u64 patience = 120'000'000;
    // One call may rightly take longer, of a guest with millions of pages; when killed it must end.
    u64 next = life.to_be_killed ? life.until : life.until + patience;
    const int process = static_cast<int>(syscall(SYS_pidfd_open, life.process, 0));
    pollfd what[] = {{process, POLLIN, 0}, {log.fd(), POLLIN, 0}};
    const char* wrong = nullptr;
    bool killed = false, as_told = true;
    while (wrong == nullptr) {
        const u64 time = now();
        poll(what, 2, next > time ? static_cast<int>((next - time) / 1000 + 1) : 0);
        if (log.complains()) {
            wrong = "the kernel complains";
            kill(life.process, SIGKILL);
        } else if (has_ended(life, as_told)) {
            wrong = as_told ? "" : "a process does not end as it should";
        } else if (now() >= next && killed) {
            wrong = "a process that was killed does not end";
        } else if (now() >= next) {
            kill(life.process, SIGKILL);
            life.to_be_killed = killed = true;
            next = now() + patience;
        }
    }
    close(process);
    return wrong;
}

int explain(const char* wrong, u64 seed, u32 threads, const KernelLog& log) {
    const u64 moment = log.moment() != 0 ? log.moment() : now();
    std::printf("FAILED: seed %lu: %s: %s\n", seed, wrong, log.text());
    for (u32 i = 0; i < threads; ++i) {
        show(shared->logs[i], i, moment);
    }
    return 1;
}

} // namespace

int main(int count, char** arguments) {
    if (count < 3) {
        std::printf("usage: lab-mshv-fuzz SEED SECONDS [THREADS]\n");
        return 2;
    }
    u64 seed = std::strtoul(arguments[1], nullptr, 0);
    const u64 end = now() + std::strtoul(arguments[2], nullptr, 0) * 1'000'000;
    const u64 threads = count > 3 ? std::strtoul(arguments[3], nullptr, 0) : 4;
    shared = make_shared();
    if (shared == nullptr || access("/dev/mshv", R_OK) != 0 || threads == 0 ||
        threads > most_threads) {
        std::printf("FAILED: /dev/mshv, memory or arguments (errno %d)\n", errno);
        return 1;
    }
    mount("none", "/sys/kernel/debug", "debugfs", 0, nullptr); // or it is there already
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    KernelLog log;
    u64 processes = 0;
    for (; now() < end; ++seed, ++processes) {
        Dice dice(seed);
        const u64 length = 200'000 + dice.below(4'000'000);
        const bool to_be_killed = dice.one_in(2);
        char line[64];
        std::snprintf(line, sizeof(line), "lab-mshv-fuzz: seed %lu\n", seed);
        log.say(line);
        const u64 until = now() + length < end ? now() + length : end;
        const pid_t child = fork();
        if (child == 0) {
            live(seed, static_cast<u32>(threads), to_be_killed ? ~0UL : until);
        }
        const char* const wrong = watch({child, until, to_be_killed}, log);
        if (*wrong != 0) {
            return explain(wrong, seed, static_cast<u32>(threads), log);
        }
    }
    std::printf("ok: %lu calls, %lu accepted, %lu runs to a message, %lu processes\n",
                shared->calls.load(), shared->accepted.load(), shared->runs.load(), processes);
    return 0;
}
