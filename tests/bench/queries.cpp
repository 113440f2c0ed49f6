// SPDX-License-Identifier: Apache-2.0
//
// How long a query takes: alone, and while operations of other partitions run or hang.
#include "tests/bench/rig.hpp"
#include "tests/bench/suites.hpp"
#include "tests/e2e/lib/guest_xml.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <atomic>
#include <csignal>
#include <sched.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace mshv::bench {
namespace {

constexpr int rounds = 3000;

/// A byte to another thread and back over a Unix socket: what any daemon's answer costs at least.
class Echo {
public:
    Echo() : ends_(posix::socket_pair(SOCK_STREAM)), thread_([this] { serve(); }) {}
    Echo(const Echo&) = delete;
    Echo& operator=(const Echo&) = delete;
    ~Echo() { ::shutdown(ends_.first.get(), SHUT_RDWR); }
    double operator()() {
        return time_us([&] {
            char byte = 'x';
            if (::write(ends_.first.get(), &byte, 1) != 1 ||
                ::read(ends_.first.get(), &byte, 1) != 1) {
                posix::throw_errno("echo");
            }
        });
    }

private:
    void serve() {
        char byte = 0;
        while (::read(ends_.second.get(), &byte, 1) == 1 &&
               ::write(ends_.second.get(), &byte, 1) == 1) {
        }
    }

    std::pair<posix::Fd, posix::Fd> ends_;
    std::jthread thread_;
};

class Query {
public:
    explicit Query(Rig& rig) : client_(rig.socket()) {}
    double operator()() {
        return time_us([&] {
            const auto answer = client_.send(
                {.method = "GET", .target = "/v1/partitions", .body = {}}, Deadline::after(10s));
            if (answer.status != 200) {
                throw std::runtime_error("list: " + answer.body);
            }
        });
    }

private:
    http::Client client_;
};

/// Query times while `busy` goes on in another thread; it is called until they are all measured.
template <typename Busy>
Samples while_busy(Rig& rig, Busy busy) {
    std::atomic<bool> done{false};
    std::atomic<bool> begun{false};
    std::jthread thread([&] {
        while (!done) {
            begun = true;
            busy();
        }
    });
    while (!begun) {
        std::this_thread::yield();
    }
    Query query(rig);
    Samples samples;
    for (int round = 0; round < rounds; ++round) {
        samples.add(query());
    }
    done = true;
    return samples;
}

/// Keeps this thread and what it starts on the first processor that it may use.
class OneProcessor {
public:
    OneProcessor() {
        posix::check(::sched_getaffinity(0, sizeof(before_), &before_), "sched_getaffinity");
        int first = 0;
        while (CPU_ISSET(first, &before_) == 0) {
            ++first;
        }
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(first, &one);
        posix::check(::sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
    }
    OneProcessor(const OneProcessor&) = delete;
    OneProcessor& operator=(const OneProcessor&) = delete;
    ~OneProcessor() { ::sched_setaffinity(0, sizeof(before_), &before_); }

private:
    cpu_set_t before_{};
};

void measure_round_trip(Report& report, const std::string& where) {
    Rig rig(Rig::Vmm::fake);
    Query query(rig);
    Echo echo;
    const auto idle = in_turns(
        rounds, [&] { return query(); }, [&] { return echo(); });
    report.add({"API round trip on an open connection" + where, "us", idle.ours.median(),
                idle.ours.percentile(99), idle.floor.median(), "a byte there and back", 60,
                Figure::Kind::at_most});
}

void add(Report& report, const std::string& what, const Samples& samples, const Samples& idle) {
    report.add({what, "us", samples.median(), samples.percentile(99), idle.median(),
                "the same with nothing else going on", 1.5, Figure::Kind::ratio});
}

} // namespace

void measure_queries(Report& report) {
    measure_round_trip(report, "");
    {
        // A halted virtual processor takes longer to wake than all else that is measured here.
        const OneProcessor pinned;
        measure_round_trip(report, ", all on one processor");
    }
    Rig rig(Rig::Vmm::fake);
    rig.write_file("kernel", "nobody boots this");
    const auto file = [&](const std::string& name, const std::string& words) {
        return rig.write_file(
            name + ".xml",
            e2e::GuestXml{.name = name, .append = words, .kernel = rig.path("kernel")}.text());
    };
    Query query(rig);
    rig.ctl({"create", file("stopped", "")});
    rig.ctl({"create", file("deaf", "fakevmm.ignore-powerdown")});
    Samples with_two;
    for (int round = 0; round < rounds; ++round) {
        with_two.add(query());
    }
    const auto never = file("never", "fakevmm.hang");
    add(report, "list while a create is under way",
        while_busy(
            rig,
            [&] {
                (void)rig.session({"create", "--timeout", "2", never}).finish(Deadline::after(20s));
            }),
        with_two);
    add(report, "list while a shutdown is under way",
        while_busy(
            rig,
            [&] {
                (void)rig.session({"shutdown", "-w", "--method", "acpi", "--timeout", "2", "deaf"})
                    .finish(Deadline::after(20s));
            }),
        with_two);
    const auto short_lived = file("short", "");
    add(report, "list while partitions are created and destroyed",
        while_busy(rig,
                   [&] {
                       rig.ctl({"create", short_lived});
                       rig.ctl({"destroy", "short"});
                   }),
        with_two);
    const auto vmm = static_cast<pid_t>(rig.row("stopped")["runtime"]["vmm_pid"].number());
    ::kill(vmm, SIGSTOP);
    add(report, "list while an operation hangs on a stopped VMM",
        while_busy(rig,
                   [&] {
                       (void)rig.session({"pause", "stopped"}).finish(Deadline::after(60s));
                   }),
        with_two);
    ::kill(vmm, SIGCONT);
}

} // namespace mshv::bench
