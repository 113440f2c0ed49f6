// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using test::partition_json;
using test::ProgramFixture;

std::string list_of(const std::vector<std::string>& views) {
    std::string json;
    for (const auto& view : views) {
        json += (json.empty() ? "" : ",") + view;
    }
    return R"({"partitions":[)" + json + "]}";
}

std::string error_json(api::ErrorCode code, const std::string& message) {
    return api::encode_error(api::Error(code, message, "a hint"));
}

BOOST_FIXTURE_TEST_SUITE(program, ProgramFixture)

BOOST_AUTO_TEST_CASE(list_prints_xls_columns) {
    daemon.on("GET /v1/partitions", 200,
              list_of({partition_json(1, "web1", "running"), partition_json(2, "db", "paused")}));
    const auto result = run({"list"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.err.empty());
    BOOST_TEST(result.out ==
               "Name                                        ID   Mem VCPUs     State    Time(s)\n"
               "web1                                         1   256     1     r-----       0.0\n"
               "db                                           2   256     1     --p---       0.0\n");
    environment = {"MSHVCTL_COMPAT=xl"};
    const auto compat = run({"list", "--no-header"});
    BOOST_TEST(compat.out ==
               "web1                                         1   256     1     r-----       0.0\n"
               "db                                           2   256     1     --p---       0.0\n");
    BOOST_TEST(run({"list"}).out.starts_with(
        "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"));
    BOOST_TEST(daemon.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(list_in_other_formats) {
    daemon.on("GET /v1/partitions", 200, list_of({partition_json(1, "web1", "running")}));
    BOOST_TEST(run({"list", "-o", "name,id,state"}).out == "Name  ID  State\nweb1   1  running\n");
    BOOST_TEST(run({"list", "-o", "id", "-o", "name", "--format", "csv"}).out ==
               "id,name\n1,web1\n");
    BOOST_TEST(run({"--no-header", "list", "-o", "name,state", "--format=tsv"}).out ==
               "web1\trunning\n");
    const auto json = run({"list", "--json"});
    BOOST_TEST(json.out.starts_with(R"({"schema":"mshvctl.list/1","items":[{)"));
    const auto bad = run({"list", "-o", "nmae"});
    BOOST_TEST(bad.status == 2);
    BOOST_TEST(bad.err.find("did you mean 'name'?") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(list_of_names_reports_those_that_are_missing) {
    daemon.on("GET /v1/partitions/web1", 200, partition_json(1, "web1", "shutoff"));
    const auto result = run({"list", "web1", "gone"});
    BOOST_TEST(result.status == 13);
    BOOST_TEST(result.out.find("web1") != std::string::npos);
    BOOST_TEST(result.err.find("mshvctl: error: gone: ") == 0U);
    BOOST_TEST(run({"list", "gone"}).status == 3);
}

BOOST_AUTO_TEST_CASE(the_daemons_errors_become_exit_statuses) {
    for (const auto& row : api::error_table()) {
        if (row.http_status < 400) {
            continue; // partial is the client's own
        }
        daemon.on("POST /v1/partitions/web1/pause", row.http_status,
                  error_json(row.code, "it did not work"));
        const auto result = run({"pause", "web1"});
        BOOST_TEST(result.status == row.exit_status, row.name);
        BOOST_TEST(result.out.empty());
        BOOST_TEST(result.err == "mshvctl: error: it did not work\n  hint: a hint\n");
    }
}

BOOST_AUTO_TEST_CASE(several_targets_partly) {
    daemon.on("POST /v1/partitions/a/pause", 200, partition_json(1, "a", "paused"));
    daemon.on("POST /v1/partitions/b/pause", 409,
              error_json(api::ErrorCode::wrong_state, "b is off"));
    const auto result = run({"pause", "a", "b"});
    BOOST_TEST(result.status == 13);
    BOOST_TEST(result.err.find("mshvctl: error: b: b is off\n") == 0U);
    BOOST_TEST(result.err.find("mshvctl: error: 1 of 2 partitions failed\n") != std::string::npos);
    const auto json = run({"--json", "pause", "a", "b"});
    BOOST_TEST(json.status == 13);
    BOOST_TEST(json.out.find(R"({"target":"a","ok":true,"partition":{)") != std::string::npos);
    BOOST_TEST(json.out.find(R"({"target":"b","ok":false,"error":{"code":"wrong_state")") !=
               std::string::npos);
    BOOST_TEST(json.err.starts_with(R"({"error":{"code":"partial")"));
}

BOOST_AUTO_TEST_CASE(all_means_those_to_which_the_verb_applies) {
    daemon.on("GET /v1/partitions", 200,
              list_of({partition_json(1, "on", "running"), partition_json(2, "off", "shutoff")}));
    daemon.on("POST /v1/partitions/name:on/pause", 200, partition_json(1, "on", "paused"));
    BOOST_TEST(run({"pause", "-a"}).status == 0);
    BOOST_TEST(daemon.requests().size() == 2U);
    const auto dry = run({"-N", "pause", "-a"});
    BOOST_TEST(dry.out == "would pause on\n");
    BOOST_TEST(daemon.requests().size() == 3U);
}

BOOST_AUTO_TEST_CASE(root_and_nobody_are_no_targets) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"destroy", "0"},
                                               {"destroy", ""},
                                               {"destroy"},
                                               {"pause", "a", ""},
                                               {"console", ""},
                                               {"shutdown", "id:0"},
                                               {"domid", ""},
                                               {"wait", ""},
                                               {"info", ""},
                                               {"list", ""}}) {
        const auto result = run(words);
        BOOST_TEST(result.status == 2, words.front());
        BOOST_TEST(result.err.starts_with("mshvctl: error: "));
    }
    BOOST_TEST(daemon.requests().empty());
}

BOOST_AUTO_TEST_CASE(options_become_fields_of_the_request) {
    daemon.on("POST /v1/partitions/a/destroy", 200, partition_json(1, "a", "shutoff"));
    BOOST_TEST(run({"destroy", "a", "--graceful", "5", "--override", "--wait-busy", "2s"}).status ==
               0);
    const auto request = daemon.requests().front();
    BOOST_TEST(request.starts_with("POST /v1/partitions/a/destroy?wait_busy_ms=2000 "));
    BOOST_TEST(request.find(R"("grace_ms":5000)") != std::string::npos);
    BOOST_TEST(request.find(R"("override_protection":true)") != std::string::npos);
    daemon.on("POST /v1/partitions/a/shutdown", 200, partition_json(1, "a", "stopping"));
    BOOST_TEST(run({"shutdown", "a", "-F", "--timeout", "1m", "--escalate", "destroy"}).status ==
               0);
    const auto shutdown = daemon.requests().back();
    BOOST_TEST(shutdown.find(R"("methods":["acpi"])") != std::string::npos);
    BOOST_TEST(shutdown.find(R"("timeout_s":60)") != std::string::npos);
    BOOST_TEST(shutdown.find(R"("escalate":"destroy")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_is_not_there) {
    environment = {"MSHV_SOCKET=/nonexistent/mshvd.sock"};
    const auto result =
        test::run_program(MSHVCTL, {"mshvctl", "--connect", folder / "none.sock", "list"}, {});
    BOOST_TEST(result.status == 10);
    BOOST_TEST(result.err.find("hint: ") != std::string::npos);
    const auto version =
        test::run_program(MSHVCTL, {"mshvctl", "--connect", folder / "none.sock", "version"}, {});
    BOOST_TEST(version.status == 0);
    BOOST_TEST(version.out.starts_with("mshvctl " MSHV_VERSION "\nmshvd unknown: "));
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_no_json_is_a_failure_and_no_crash) {
    daemon.on("GET /v1/partitions", 200, "<html>");
    const auto result = run({"list"});
    BOOST_TEST(result.status == 1);
    BOOST_TEST(result.err.starts_with("mshvctl: error: "));
}

BOOST_AUTO_TEST_CASE(usage_errors) {
    BOOST_TEST(run({}).status == 2);
    BOOST_TEST(run({""}).status == 2);
    const auto unknown = run({"destory", "a"});
    BOOST_TEST(unknown.status == 2);
    BOOST_TEST(unknown.err == "mshvctl: error: unknown verb 'destory'\n"
                              "  hint: did you mean 'destroy'?\n");
    BOOST_TEST(run({"dest", "a"}).status == 2); // no prefixes in scripts
    BOOST_TEST(run({"--json", "nope"}).err.starts_with(R"({"error":{"code":"usage")"));
    BOOST_TEST(run({"list", "--format", "yaml"}).status == 2);
    BOOST_TEST(run({"help"}).status == 0);
    BOOST_TEST(run({"help", "create"}).out.starts_with("usage: mshvctl create [OPTION...] FILE\n"));
    BOOST_TEST(run({"create", "--help"}).out.starts_with("usage: mshvctl create"));
    BOOST_TEST(run({"--version"}).out == "mshvctl " MSHV_VERSION "\n");
}

BOOST_AUTO_TEST_CASE(files_that_are_no_guests) {
    posix::replace_file(folder / "bad.xml",
                        "<partition type='mshv'>\n  <nmae>x</nmae>\n</partition>");
    const auto result = run({"check", folder / "bad.xml"});
    BOOST_TEST(result.status == 6);
    BOOST_TEST(result.err.find("bad.xml:2:") != std::string::npos);
    BOOST_TEST(result.err.find("is not a valid guest") != std::string::npos);
    const auto json = run({"--json", "check", folder / "bad.xml"});
    BOOST_TEST(json.status == 6);
    BOOST_TEST(json.out.find(R"("ok":false)") != std::string::npos);
    BOOST_TEST(json.err.starts_with(R"({"error":{"code":"invalid")"));
    BOOST_TEST(run({"check", folder / "none.xml"}).status == 3);
    BOOST_TEST(run({"create", folder / "bad.xml"}).status == 6);
    BOOST_TEST(daemon.requests().empty());
}

BOOST_AUTO_TEST_CASE(processors_and_uptimes_as_xl_and_for_spreadsheets) {
    daemon.on("GET /v1/partitions", 200, list_of({partition_json(3, "web1", "running")}));
    daemon.on("GET /v1/partitions/id:3/vcpus", 200,
              R"({"vcpus":[{"index":0,"thread_id":9,"cpu_time_ms":1250,"last_cpu":1,)"
              R"("waiting_ms":300,"state":"r--","affinity":"0-3"}]})");
    const std::string_view as_xl =
        "Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / "
        "Soft)\n"
        "web1                                 3     0     1   r--       1.3 0-3 / all\n";
    BOOST_TEST(run({"vcpu-list"}).out == as_xl);
    BOOST_TEST(run({"vcpu-list", "--format", "xl", "-v"}).out == as_xl);
    BOOST_TEST(run({"vcpu-list", "-v"}).out.find("   Wait(s) Affinity") != std::string::npos);
    BOOST_TEST(run({"vcpu-list", "--format", "csv"}).out ==
               "name,id,vcpu,cpu,state,time,wait,affinity\nweb1,3,0,1,r--,1.3,0.3,0-3\n");
    BOOST_TEST(run({"uptime", "--format", "xl"}).out ==
               "Name                                ID Uptime\n"
               "web1                                 3  1:02:03\n");
    BOOST_TEST(run({"uptime", "--format", "tsv", "--no-header"}).out == "web1\t3\t3723\n");
}

BOOST_AUTO_TEST_CASE(small_verbs) {
    daemon.on("GET /v1/partitions/web1", 200, partition_json(3, "web1", "running"));
    daemon.on("GET /v1/partitions", 200, list_of({partition_json(3, "web1", "running")}));
    BOOST_TEST(run({"domid", "web1"}).out == "3\n");
    BOOST_TEST(run({"domname", "web1"}).out == "web1\n");
    BOOST_TEST(run({"uptime"}).out == "Name                                ID Uptime\n"
                                      "web1                                 3  1:02:03\n");
    daemon.on("GET /v1/host", 200,
              R"({"facts":[{"key":"host","value":"h"},)"
              R"({"key":"free_memory","value":"12"}]})");
    BOOST_TEST(run({"info"}).out == "host                   : h\nfree_memory            : 12\n");
    BOOST_TEST(run({"info", "free_memory"}).out == "12\n");
    daemon.on("GET /v1/host", 200,
              R"({"facts":[{"key":"host","value":"h"},{"key":"hv_root","value":"no"},)"
              R"({"key":"free_memory","value":"12"}]})");
    BOOST_TEST(run({"info", "--format", "xl"}).out ==
               "host                   : h\nfree_memory            : 12\n");
    const auto numa = run({"info", "-n"}).out;
    BOOST_TEST(numa.find("\ncpu_topology           :\ncpu:    core    socket     node\n  0:  ") !=
                   std::string::npos,
               numa);
    BOOST_TEST(run({"--json", "info", "-n"}).out.find(R"("cpu_topology":[{"cpu":0,"core":)") !=
               std::string::npos);
    BOOST_TEST(run({"info", "-n", "web1"}).status == 2);
    BOOST_TEST(run({"info", "web1"}).out.starts_with("name                   : web1\n"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
