// SPDX-License-Identifier: Apache-2.0
//
// What a user's `mshvctl list` costs, and a restart of the daemon under running partitions.
#include "tests/bench/rig.hpp"
#include "tests/bench/suites.hpp"
#include "tests/e2e/lib/guest_xml.hpp"

#include <stdexcept>

namespace mshv::bench {
namespace {

constexpr int partitions = 50;

double list_process(Rig& rig) {
    return time_us([&] { rig.ctl({"list"}); });
}

double true_process() {
    return time_us([] { (void)e2e::run({"/bin/true"}); });
}

/// From the start of the daemon's program until it serves a list with all that runs.
double adopt(Rig& rig) {
    rig.kill_daemon();
    return time_us([&] {
        rig.start_daemon();
        const auto rows = e2e::Json::parse(rig.get("/v1/partitions").body)["partitions"].items();
        int running = 0;
        for (const auto& row : rows) {
            running += row["state"].text() == "running" ? 1 : 0;
        }
        if (running != partitions) {
            throw std::runtime_error(std::to_string(running) + " partitions after adoption");
        }
    });
}

} // namespace

void measure_lists(Report& report) {
    Rig rig(Rig::Vmm::fake);
    report.ratio("list, whole process, nothing runs",
                 in_turns(
                     300, [&] { return list_process(rig); }, true_process),
                 "/bin/true", 2.5);
    rig.write_file("kernel", "nobody boots this");
    for (int i = 0; i < partitions; ++i) {
        const auto name = "g" + std::to_string(i);
        rig.ctl({"create",
                 rig.write_file(name + ".xml",
                                e2e::GuestXml{.name = name, .kernel = rig.path("kernel")}.text())});
    }
    report.ratio("list, whole process, 50 run",
                 in_turns(
                     300, [&] { return list_process(rig); }, true_process),
                 "/bin/true", 3);
    Samples adoptions;
    for (int round = 0; round < 15; ++round) {
        adoptions.add(adopt(rig));
    }
    report.add({"re-adoption of 50 guests, program start to full list", "s",
                adoptions.median() / 1e6, adoptions.percentile(99) / 1e6, 0, "", 0.15,
                Figure::Kind::at_most});
}

} // namespace mshv::bench
