// SPDX-License-Identifier: Apache-2.0
//
// Settings of what runs, with a real VMM and a real guest.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/shell.hpp"

#include <boost/test/unit_test.hpp>
#include <unistd.h>

using namespace mshv::e2e;

namespace {

/// Its memory comes to stand between two numbers of KiB.
void guest_has(Host& host, const std::string& name, const std::string& least,
               const std::string& most, const std::string& mark) {
    const std::string total = "$(sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo)";
    guest_says(host, name,
               "while [ " + total + " -lt " + least + " -o " + total + " -gt " + most +
                   " ]; do sleep 1; done; echo IT-HAS | sed 's/$/-" + mark + "/'",
               "IT-HAS-" + mark);
}

/// An adopted VMM is asked behind the adoption, so that no list waits for it.
bool lists(Host& host, const std::string& name, const std::string& mebibytes) {
    for (const auto deadline = soon(); !deadline.expired();) {
        if (contains(host.ok({"list", name}), " " + mebibytes + " ")) {
            return true;
        }
    }
    return false;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_guest_gives_memory_back_and_gets_it_again) {
    Host host;
    host.create({.name = "g", .steps = "shell", .memory_mib = 256}, {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"mem-set", "--timeout", "60", "g", "160"});
    guest_has(host, "g", "1", "170000", "LESS");
    BOOST_TEST(contains(host.ok({"list", "g"}), " 160 "));
    BOOST_TEST(contains(host.ok({"info", "g"}), "160 MiB"));
    BOOST_TEST(host.view("g")["revision"].number() == 1);
    // Another generation of the VMM, and another daemon: it holds.
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY", 2);
    guest_has(host, "g", "1", "170000", "SECOND");
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST(lists(host, "g", "160"));
    host.ok({"mem-set", "--timeout", "60", "g", "256M"});
    guest_has(host, "g", "200000", "270000", "MORE");
    BOOST_TEST(contains(host.fails(6, {"mem-set", "g", "257"}), "all of its memory is 256 MiB"));
    BOOST_TEST(contains(host.fails(6, {"mem-set", "g", "10"}), "the least is 64 MiB"));
    BOOST_TEST(contains(host.fails(7, {"mem-max", "--live", "g", "512"}), "that runs"));
}

BOOST_AUTO_TEST_CASE(a_guest_that_does_not_follow_is_told_of) {
    Host host;
    // Firmware without anything to boot has no driver for a balloon.
    host.create({.name = "g", .memory_mib = 256, .firmware_boot = true}, {"--define"});
    BOOST_TEST(contains(host.fails(9, {"mem-set", "--timeout", "1", "g", "128"}),
                        "has come to 256 MiB, not yet to 128 MiB"));
    host.ok({"mem-set", "--no-wait", "g", "100"});
    host.ok({"destroy", "g"});
    host.ok({"mem-set", "g", "128"});
    host.ok({"mem-max", "g", "512"});
    const auto xml = host.ok({"dumpxml", "g"});
    BOOST_TEST(contains(xml, "<memory unit='MiB'>512</memory>"), xml);
    BOOST_TEST(contains(xml, "<currentMemory unit='MiB'>128</currentMemory>"), xml);
}

BOOST_AUTO_TEST_CASE(a_saved_guest_goes_on_with_its_memory) {
    Host host;
    host.create({.name = "g", .steps = "shell", .memory_mib = 256}, {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"mem-set", "--timeout", "60", "g", "160"});
    const auto file = host.path("g.save");
    host.ok({"save", "g", file});
    host.ok({"restore", file});
    guest_has(host, "g", "1", "170000", "STILL");
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY");
    guest_has(host, "g", "1", "170000", "LATER");
    host.ok({"mem-set", "--timeout", "60", "g", "256"});
}

BOOST_AUTO_TEST_CASE(threads_run_where_they_are_pinned_in_each_generation) {
    if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        BOOST_TEST_MESSAGE("one processor: not tested");
        return;
    }
    Host host;
    auto guest = GuestXml{.name = "g", .steps = "shell", .vcpus = 2}.text();
    guest.insert(guest.find("<os"), "<cputune><vcpupin vcpu='1' cpuset='0'/>"
                                    "<emulatorpin cpuset='1'/></cputune>\n  ");
    host.ok({"create", "--define", host.write_file("g.xml", guest)});
    const auto where = [&] {
        std::string text;
        for (const auto& item : Json::parse(host.ok({"--json", "vcpu-list", "g"}))["items"]
                                    .items()
                                    .front()["vcpus"]
                                    .items()) {
            text += item["affinity"].text() + " ";
        }
        const auto status =
            run({"/bin/cat", "/proc/" + std::to_string(host.vmm_pid("g")) + "/status"}).out;
        const auto at = status.find("Cpus_allowed_list:");
        return text + "+ " + status.substr(at + 19, status.find('\n', at) - at - 19);
    };
    BOOST_TEST(where() == "all 0 + 1");
    host.ok({"vcpu-pin", "g", "0", "1"});
    BOOST_TEST(where() == "1 0 + 1");
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY");
    BOOST_TEST(where() == "1 0 + 1");
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST(where() == "1 0 + 1");
    host.ok({"vcpu-pin", "--live", "--config", "g", "all", "all"});
    BOOST_TEST(where() == "all all + 1");
    const auto xml = host.ok({"dumpxml", "g"});
    BOOST_TEST(!contains(xml, "vcpupin"), xml);
    BOOST_TEST(contains(xml, "<emulatorpin cpuset='1'/>"), xml);
    BOOST_TEST(contains(host.fails(6, {"vcpu-pin", "g", "0", "8191"}), "no processor 8191"));
    BOOST_TEST(contains(host.fails(3, {"vcpu-pin", "g", "2", "0"}), "no virtual processor 2"));
    BOOST_TEST(where() == "all all + 1");
    const auto file = host.path("g.save");
    host.ok({"vcpu-pin", "g", "0", "1"});
    host.ok({"save", "g", file});
    host.ok({"restore", file});
    BOOST_TEST(where() == "1 all + 1");
}

BOOST_AUTO_TEST_CASE(weights_and_pools_are_refused_where_there_are_no_control_groups) {
    Host host;
    host.create({.name = "g", .firmware_boot = true}, {"--define"});
    const std::string reason = "no partition to a weight, a cap or a pool of processors: ";
    BOOST_TEST(contains(host.fails(7, {"sched", "--weight", "200", "g"}), reason));
    BOOST_TEST(contains(host.fails(7, {"sched-credit", "-d", "g", "-w", "512"}), reason));
    BOOST_TEST(contains(host.fails(7, {"sched-credit2", "-d", "g", "-c", "50"}), reason));
    BOOST_TEST(contains(host.fails(7, {"sched-credit", "-s"}), "Linux schedules here"));
    BOOST_TEST(contains(host.fails(6, {"sched", "--config", "--cap", "50", "g"}), reason));
    BOOST_TEST(contains(host.fails(7, {"cpupool-migrate", "g", "Pool-0"}), reason));
    BOOST_TEST(contains(host.ok({"sched", "g"}), "Pool-0"));
    BOOST_TEST(contains(host.ok({"sched-credit2"}), "256"));
    auto heavy = GuestXml{.name = "heavy", .steps = "shell"}.text();
    heavy.insert(heavy.find("<os"), "<cputune><shares>200</shares></cputune>\n  ");
    BOOST_TEST(contains(host.fails(6, {"define", host.write_file("heavy.xml", heavy)}), reason));
}

BOOST_AUTO_TEST_CASE(pools_of_processors_are_kept) {
    if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        BOOST_TEST_MESSAGE("one processor: not tested");
        return;
    }
    Host host;
    host.ok({"cpupool-create", "name=\"fast\"", "cpus=[\"1\"]"});
    const auto list = [&] { return host.ok({"cpupool-list", "--cpus", "--format=csv", "fast"}); };
    BOOST_TEST(contains(list(), "fast,1"), list());
    BOOST_TEST(contains(host.fails(4, {"cpupool-create", "name=other", "cpus=1"}), "'fast'"));
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    host.ok({"cpupool-cpu-remove", "fast", "1"});
    host.ok({"cpupool-rename", "fast", "slow"});
    host.ok({"cpupool-cpu-add", "slow", "1"});
    BOOST_TEST(contains(host.ok({"--json", "cpupool-list"}), R"("name":"slow","cpus":"1")"));
    host.ok({"cpupool-destroy", "slow"});
    BOOST_TEST(contains(host.fails(3, {"cpupool-list", "slow"}), "no pool 'slow'"));
    (void)host.ctl({"cpupool-numa-split"}); // by what nodes there are
}

BOOST_AUTO_TEST_CASE(a_disk_is_held_to_its_limits_in_each_generation) {
    Host host;
    const auto image = host.write_file("d.img", std::string(1 << 20, '\0'));
    auto disk = disk_xml(image);
    disk.insert(disk.rfind("</disk>"),
                "<iotune><total_iops_sec>500</total_iops_sec><read_bytes_sec>1000000"
                "</read_bytes_sec></iotune>");
    const GuestXml guest{.name = "g", .steps = "shell", .devices = {disk}};
    host.create(guest, {"--define"});
    // "iops=500 bps_rd=1000000 …", as QEMU itself says it.
    const auto has = [&] {
        const auto block =
            Json::parse(host.qmp("g", R"({"execute":"query-block"})"))["return"].items().front();
        std::string text;
        for (const char* key : {"iops", "iops_wr", "iops_max", "bps", "bps_rd", "bps_wr"}) {
            const auto inserted = block["inserted"];
            const auto number = inserted.has(key) ? inserted[key].number() : 0;
            text += number == 0 ? "" : std::string(key) + "=" + std::to_string(number) + " ";
        }
        return text;
    };
    BOOST_TEST(has() == "iops=500 bps_rd=1000000 ");
    host.ok({"block-limit", "g", "vda", "--write-iops-sec", "70", "--read-bytes-sec", "0"});
    BOOST_TEST(has() == "iops_wr=70 ");
    const auto shown = host.ok({"block-limit", "g", "vda"});
    BOOST_TEST(contains(shown, "write_iops"), shown);
    BOOST_TEST(!contains(shown, "total_iops"), shown);
    BOOST_TEST(contains(host.ok({"block-limit", "--config", "g", "vda"}), "500"));
    host.ok({"reset", "g"});
    host.wait_state("g", "running");
    BOOST_TEST(has() == "iops_wr=70 ");
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST(has() == "iops_wr=70 ");
    BOOST_TEST(contains(host.fails(6, {"block-limit", "g", "vda", "--write-iops-sec-max", "10"}),
                        "is below"));
    BOOST_TEST(contains(host.fails(3, {"block-limit", "g", "vdq", "--total-iops-sec", "1"}),
                        "no disk vdq"));
    host.ok({"block-limit", "--live", "--config", "g", "vda", "--total-iops-sec", "90",
             "--total-iops-sec-max", "200"});
    BOOST_TEST(has() == "iops=90 iops_max=200 ");
    const auto xml = host.ok({"dumpxml", "g"});
    BOOST_TEST(contains(xml, "<total_iops_sec_max>200</total_iops_sec_max>"), xml);
    BOOST_TEST(contains(xml, "<read_bytes_sec>1000000</read_bytes_sec>"), xml);
    const auto file = host.path("g.save");
    host.ok({"save", "g", file});
    host.ok({"restore", file});
    BOOST_TEST(has() == "iops=90 iops_max=200 ");
    host.ok({"block-limit", "g", "vda", "--total-iops-sec", "0"});
    BOOST_TEST(has().empty());
}
