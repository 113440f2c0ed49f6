// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/metrics.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <sstream>

using namespace mshv;

namespace {

std::string text_of(const control::Snapshot& snapshot) {
    api::VersionInfo version;
    version.version = "1.2.3";
    version.started_ms = 1500;
    api::ClaimList claims;
    claims.available = 4096;
    claims.outstanding = 1024;
    claims.room = 3072;
    return rest::metrics_text(snapshot, claims, version);
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

control::Snapshot one(const std::string& name) {
    control::Snapshot snapshot;
    snapshot.states = {{api::State::running, 1}, {api::State::shutoff, 7}};
    snapshot.last_seq = 42;
    api::PartitionView view;
    view.id = 3;
    view.name = name;
    view.state = api::State::running;
    view.memory = 1 << 20;
    view.vcpus = 2;
    api::RuntimeView run;
    run.accelerator = "mshv";
    run.vmm = "qemu 11.1";
    run.cpu_time_ms = 1234;
    run.rss = 4096;
    view.runtime = run;
    snapshot.live.push_back(view);
    return snapshot;
}

const std::string who = R"({partition="web",uuid="00000000-0000-0000-0000-000000000000"})";

} // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(what_there_is_has_a_line) {
    const std::string text = text_of(one("web"));
    for (const auto& line :
         {std::string(R"(mshvd_build_info{version="1.2.3"} 1)"), std::string("mshvd_start_time_seconds 1.5"),
          std::string("mshvd_events_total 42"), std::string(R"(mshv_partitions{state="shutoff"} 7)"),
          std::string("mshv_unmanaged_partitions 0"), "mshv_partition_memory_bytes" + who + " 1048576",
          "mshv_partition_vcpus" + who + " 2", "mshv_partition_vmm_cpu_seconds_total" + who + " 1.234",
          "mshv_partition_vmm_resident_memory_bytes" + who + " 4096",
          "mshv_partition_responsive" + who + " 1"}) {
        BOOST_TEST(has_line(text, line), line);
    }
    // Nobody counts what the hypervisor does not tell.
    BOOST_TEST(text.find("mshv_partition_hypervisor_cpu_seconds_total{") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_the_hypervisor_tells_is_in_seconds_and_bytes) {
    auto snapshot = one("web");
    api::HypervisorView hypervisor;
    hypervisor.cpu_time_ms = 2500;
    hypervisor.held_pages = 3;
    snapshot.live[0].runtime->hypervisor = hypervisor;
    const std::string text = text_of(snapshot);
    BOOST_TEST(has_line(text, "mshv_partition_hypervisor_cpu_seconds_total" + who + " 2.5"));
    BOOST_TEST(has_line(text, "mshv_partition_hypervisor_held_bytes" + who + " 12288"));
    BOOST_TEST(text.find("mshv_partition_hypervisor_waiting_seconds_total{") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_label_forges_no_line) {
    const std::string text = text_of(one("a\"} 1\nmshvd_events_total 7\\"));
    BOOST_TEST(text.find(R"(partition="a\"} 1\nmshvd_events_total 7\\",uuid)") != std::string::npos);
    BOOST_TEST(!has_line(text, "mshvd_events_total 7\\"));
}

/// As a scraper reads it: each family is told once, before its lines, and no two lines are of the same.
BOOST_AUTO_TEST_CASE(every_line_belongs_to_the_family_above_it) {
    auto snapshot = one("web");
    snapshot.live.push_back(one("db").live[0]);
    snapshot.live[1].operation = api::OperationView{"shutdown", "uid 0", 9000};
    std::istringstream lines(text_of(snapshot));
    std::set<std::string> families, samples;
    std::string line, family;
    while (std::getline(lines, line)) {
        if (line.starts_with("# HELP ")) {
            family = line.substr(7, line.find(' ', 7) - 7);
            BOOST_TEST(families.insert(family).second, line);
        } else if (line.starts_with("# TYPE ")) {
            const bool counter = line.ends_with(" counter");
            BOOST_TEST(line.starts_with("# TYPE " + family + " "), line);
            BOOST_TEST((counter || line.ends_with(" gauge")), line);
            BOOST_TEST(counter == family.ends_with("_total"), line);
        } else {
            BOOST_TEST(line.substr(0, line.find_first_of("{ ")) == family, line);
            BOOST_TEST(samples.insert(line.substr(0, line.rfind(' '))).second, line);
        }
    }
    BOOST_TEST(families.contains("mshv_partition_operation_start_time_seconds"));
}

BOOST_AUTO_TEST_SUITE_END()
