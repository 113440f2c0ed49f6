// SPDX-License-Identifier: Apache-2.0
//
// Thousands of definitions: writing them, starting with them, listing them, holding them.
#include "tests/bench/rig.hpp"
#include "tests/bench/suites.hpp"
#include "tests/e2e/lib/guest_xml.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace mshv::bench {
namespace {

/// One durable write of 4 KiB at the end of a file, the least that a durable define can cost.
class DurableWrite {
public:
    explicit DurableWrite(const std::string& path)
        : file_(posix::open_file(path, O_WRONLY | O_CREAT | O_APPEND)) {}
    double operator()() {
        return time_us([&] {
            const std::string block(4096, 'x');
            posix::check(static_cast<int>(::write(file_.get(), block.data(), block.size())),
                         "write");
            posix::check(::fdatasync(file_.get()), "fdatasync");
        });
    }

private:
    posix::Fd file_;
};

double start_time(Rig& rig) {
    rig.stop_daemon();
    return time_us([&] { rig.start_daemon(); });
}

} // namespace

void measure_storage(Report& report) {
    Rig rig(Rig::Vmm::fake);
    report.add({"RSS of the daemon, nothing defined", "MB", resident_bytes(rig.daemon_pid()) / 1e6,
                0, 0, "", 12, Figure::Kind::at_most});
    Samples empty_starts;
    for (int round = 0; round < 9; ++round) {
        empty_starts.add(start_time(rig));
    }

    int number = 0;
    DurableWrite durable(rig.path("durable"));
    const auto defines = in_turns(
        100,
        [&] {
            const auto name = "single" + std::to_string(number++);
            const auto file = rig.write_file("single.xml", e2e::GuestXml{.name = name}.text());
            return time_us([&] { rig.ctl({"define", file}); });
        },
        [&] { return durable(); });
    report.add({"define, durable, whole process", "ms", defines.ours.median() / 1000,
                defines.ours.percentile(99) / 1000, defines.floor.median() / 1000,
                "4 KiB and fdatasync", 3, Figure::Kind::at_most});

    const int first = 5000 - number;
    const auto seconds = rig.define_many(first, 8, "a");
    report.add({"define, 8 open connections", "/s", first / seconds, 0,
                1e6 / defines.floor.median(), "fdatasync/s, one after the other", 4000,
                Figure::Kind::at_least});
    (void)start_time(rig); // without what the writing left in its caches
    report.add({"RSS of the daemon, 5,000 defined", "MB", resident_bytes(rig.daemon_pid()) / 1e6, 0,
                0, "", 32, Figure::Kind::at_most});
    (void)rig.define_many(5000, 8, "b");

    Samples starts;
    for (int round = 0; round < 9; ++round) {
        starts.add(start_time(rig));
    }
    report.add({"daemon start with 10,000 definitions", "s", starts.median() / 1e6,
                starts.percentile(99) / 1e6, empty_starts.median() / 1e6, "start with none", 0.25,
                Figure::Kind::at_most});
    Samples lists;
    for (int round = 0; round < 40; ++round) {
        lists.add(time_us([&] { rig.ctl({"list", "--all"}); }));
    }
    report.add({"list --all of 10,000, whole process", "ms", lists.median() / 1000,
                lists.percentile(99) / 1000, 0, "", 30, Figure::Kind::at_most});
}

} // namespace mshv::bench
