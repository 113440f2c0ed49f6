// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using test::partition_json;
using test::ProgramFixture;

bool contains(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

struct DevicesFixture : ProgramFixture {
    DevicesFixture() {
        daemon.on("POST /v1/partitions/web/attach-disk", 200, partition_json(1, "web", "running"));
        daemon.on("POST /v1/partitions/web/detach-disk", 200, partition_json(1, "web", "running"));
    }
};

BOOST_FIXTURE_TEST_SUITE(program_devices, DevicesFixture)

BOOST_AUTO_TEST_CASE(a_path_and_options) {
    const auto file = body({"block-attach", "web", "/srv/a.img"});
    BOOST_TEST(contains(file, R"("path":"/srv/a.img")"), file);
    BOOST_TEST(!contains(file, R"("source":"block")"), file);
    BOOST_TEST(!contains(file, R"("live":true)"), file);
    const auto all =
        body({"block-attach", "--live", "--config", "--target", "vdc", "--format", "qcow2",
              "--backing", "raw:/srv/base", "--readonly", "--serial", "s1", "web", "/dev/vg/b"});
    for (const char* part : {R"("source":"block")", R"("target":"vdc")", R"("format":"qcow2")",
                             R"("backing":[{"path":"/srv/base")", R"("read_only":true)",
                             R"("serial":"s1")", R"("live":true)", R"("config":true)"}) {
        BOOST_TEST(contains(all, part), part << " in " << all);
    }
}

BOOST_AUTO_TEST_CASE(xls_words) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"format=raw,vdev=xvdb,target=/srv/a.img"},
                                               {"vdev=xvdb", "format=raw", "target=/srv/a.img"},
                                               {"/srv/a.img,raw,xvdb,rw"}}) {
        std::vector<std::string> line{"block-attach", "web"};
        line.insert(line.end(), words.begin(), words.end());
        const auto made = body(line);
        BOOST_TEST(contains(made, R"("path":"/srv/a.img")"), made);
        BOOST_TEST(contains(made, R"("target":"vdb")"), made);
        BOOST_TEST(!contains(made, R"("read_only":true)"), made);
    }
    BOOST_TEST(
        contains(body({"block-attach", "web", "/srv/a.img,qcow2,xvdb,ro"}), R"("read_only":true)"));
    BOOST_TEST(contains(refused({"block-attach", "web", "format=vhdx,vdev=xvdb,target=/a"}, 2),
                        "format=vhdx"));
    BOOST_TEST(contains(refused({"block-attach", "web", "/srv/a.img,raw"}, 2), "vdev"));
    refused({"block-attach", "web", "target='"}, 2);
    refused({"block-attach", "--backing", "/srv/base", "web", "/srv/a.img"}, 2);
    refused({"block-attach", "web"}, 2);
}

BOOST_AUTO_TEST_CASE(detach_says_what_it_can_not) {
    BOOST_TEST(contains(body({"block-detach", "web", "xvdb"}), R"("target":"vdb")"));
    BOOST_TEST(
        contains(body({"block-detach", "--timeout", "60", "web", "vdb"}), R"("timeout_ms":60000)"));
    BOOST_TEST(contains(refused({"block-detach", "--force", "web", "vdb"}, 7), "does not let go"));
    BOOST_TEST(run({"-N", "block-detach", "web", "vdb"}).out == "would detach vdb from web\n");
}

BOOST_AUTO_TEST_CASE(a_size_has_a_unit_or_is_bytes) {
    daemon.on("POST /v1/partitions/web/resize-disk", 200, partition_json(1, "web", "running"));
    const auto made = body({"block-resize", "web", "xvdb", "2G"});
    BOOST_TEST(contains(made, R"("target":"vdb")"), made);
    BOOST_TEST(contains(made, R"("size":2147483648)"), made);
    BOOST_TEST(!contains(made, R"("shrink":true)"), made);
    BOOST_TEST(contains(body({"block-resize", "--shrink", "web", "vdb", "512"}),
                        R"("size":512,"shrink":true)"));
    for (const char* wrong : {"", "G", "2X", "-1", "99999999999999999999", "99999999999E"}) {
        refused({"block-resize", "web", "vdb", wrong}, 2);
    }
}

BOOST_AUTO_TEST_CASE(a_medium_by_xls_words) {
    daemon.on("POST /v1/partitions/web/change-medium", 200, partition_json(1, "web", "running"));
    const auto made = body({"cd-insert", "web", "hdc", "/srv/a.iso"});
    BOOST_TEST(contains(made, R"("target":"sdc","path":"/srv/a.iso")"), made);
    BOOST_TEST(!contains(made, "block"), made);
    BOOST_TEST(!contains(made, R"("force":true)"), made);
    const auto forced = body({"cd-insert", "--force", "--live", "--config", "--format", "qcow2",
                              "--timeout", "60", "web", "sda", "/dev/sr0"});
    for (const char* part :
         {R"("target":"sda")", R"("source":"block")", R"("format":"qcow2")", R"("force":true)",
          R"("live":true)", R"("config":true)", R"("timeout_ms":60000)"}) {
        BOOST_TEST(contains(forced, part), part << " in " << forced);
    }
    BOOST_TEST(contains(body({"cd-insert", "web", "ua-cd", "here.iso"}), "/here.iso"));
    const auto ejected = body({"cd-eject", "web", "xvdd"});
    BOOST_TEST(contains(ejected, R"("target":"sdd")"), ejected);
    BOOST_TEST(!contains(ejected, ".iso"), ejected);
    BOOST_TEST(contains(body({"cd-eject", "--force", "web", "sda"}), R"("force":true)"));
    refused({"cd-insert", "web", "sda"}, 2);
    refused({"cd-insert", "web", "sda", ""}, 2);
    BOOST_TEST(run({"-N", "cd-insert", "web", "hdc", "/a.iso"}).out ==
               "would insert /a.iso into sdc of web\n");
    BOOST_TEST(run({"-N", "cd-eject", "web", "sda"}).out == "would empty sda of web\n");
}

BOOST_AUTO_TEST_CASE(limits_in_virshs_words) {
    daemon.on("POST /v1/partitions/web/set-disk-limits", 200, partition_json(1, "web", "running"));
    const auto made = body({"block-limit", "web", "vdb", "--total-iops-sec", "500",
                            "--total-iops-sec-max", "700", "--write-bytes-sec", "10M", "--live"});
    for (const char* part : {R"("target":"vdb")", R"("total_iops":{"per_second":500,"max":700})",
                             R"("write_bytes":{"per_second":10485760})", R"("live":true)"}) {
        BOOST_TEST(contains(made, part), part << " in " << made);
    }
    BOOST_TEST(!contains(made, "read_iops"), made);
    refused({"block-limit", "web", "--total-iops-sec", "500"}, 2);
    refused({"block-limit", "web", "vdb", "--total-iops-sec", "5X"}, 2);
    refused({"block-limit", "web", "vdb", "--total-iops-sec", "1000000000000001"}, 2);
    daemon.on("GET /v1/partitions/web/disks", 200,
              R"({"disks":[{"disk":{"target":"vda","iotune":{"read_iops":{"per_second":9}}},)"
              R"("state":"present"},{"disk":{"target":"vdb"},"state":"present"}]})");
    const auto shown = run({"block-limit", "web"});
    BOOST_TEST(contains(shown.out, "read_iops"), shown.out);
    BOOST_TEST(!contains(shown.out, "vdb"), shown.out);
    BOOST_TEST(
        contains(run({"--json", "block-limit", "web"}).out, R"({"target":"vdb","limits":{}})"));
    BOOST_TEST(run({"block-limit", "web", "vdx"}).status == 3);
}

BOOST_AUTO_TEST_CASE(an_interface_by_xls_words_or_by_a_file) {
    for (const char* path : {"attach-interface", "detach-interface", "set-link"}) {
        daemon.on(std::string("POST /v1/partitions/web/") + path, 200,
                  partition_json(1, "web", "running"));
    }
    const auto made =
        body({"network-attach", "web", "bridge=br0,model=e1000e", "vifname=lan0",
              "mac=52:54:00:00:00:01", "mtu=1400", "script=vif-bridge", "vlan=7,rate=10Mb/s"});
    for (const char* part :
         {R"("vlan":7)", R"("outbound":{"average":1250,)", R"("source":"bridge")",
          R"("bridge":"br0")", R"("model":"e1000e")", R"("target":"lan0")", R"("mtu":1400)"}) {
        BOOST_TEST(contains(made, part), part << " in " << made);
    }
    const auto file = folder / "nic.xml";
    posix::replace_file(file, "<?xml version='1.0'?>\n<interface type='bridge'>"
                              "<source bridge='br7'/><link state='down'/></interface>\n");
    const auto from_file = body({"network-attach", "--config", "web", file});
    BOOST_TEST(contains(from_file, R"("bridge":"br7")"), from_file);
    BOOST_TEST(contains(from_file, R"("link_up":false)"), from_file);
    for (const char* word : {"ip=10.0.0.1", "backend=net", "script=/x"}) {
        BOOST_TEST(contains(refused({"network-attach", "web", "bridge=br0", word}, 7), word));
    }
    for (const char* word :
         {"mac=52:54:00:00:00:01", "bridge=b,model=ne2k", "bridge=b,mtu=x", "bridge=b,rate=x",
          "bridge=b,vlan=x", "bridge=b,type=hostdev", "bridge=b,nothing=1"}) {
        refused({"network-attach", "web", word}, 2);
    }
    BOOST_TEST(contains(body({"network-detach", "web", "3"}), R"("target":"net3")"));
    BOOST_TEST(contains(body({"network-detach", "web", "52:54:00:AA:00:01"}),
                        R"("target":"52:54:00:aa:00:01")"));
    BOOST_TEST(contains(body({"network-link", "web", "ua-lan", "down"}), R"("up":false)"));
    refused({"network-link", "web", "ua-lan", "sideways"}, 2);
}

BOOST_AUTO_TEST_CASE(a_list_of_disks) {
    daemon.on("GET /v1/partitions/web/disks", 200,
              R"({"disks":[{"disk":{"target":"vda","path":"/a"},"state":"present","config":true},)"
              R"({"disk":{"target":"vdb","path":"/b","read_only":true},"state":"detaching"}]})");
    const auto table = run({"block-list", "web"});
    BOOST_TEST(table.status == 0);
    BOOST_TEST(contains(table.out, "vda"));
    BOOST_TEST(contains(table.out, "detaching"));
    const auto csv = run({"block-list", "--format", "csv", "web"}).out;
    BOOST_TEST(contains(csv, "vdb,detaching,no,disk,virtio,raw,ro,/b"), csv);
    BOOST_TEST(contains(run({"--json", "block-list", "web"}).out, R"("state":"detaching")"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
