// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/keeper/harness.hpp"
#include "toolstack/libs/console/frames.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdio>
#include <sys/stat.h>

using namespace mshv::keeper;
using namespace mshv::keeper::test;

namespace {

std::string counted(int lines) {
    std::string text = "fakevmm runs\n";
    for (int i = 0; i < lines; ++i) {
        std::array<char, 32> line{};
        std::snprintf(line.data(), line.size(), "%08d\n", i);
        text += line.data();
    }
    return text + "done\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(process_console)

BOOST_AUTO_TEST_CASE(every_byte_in_order_while_the_keeper_is_stopped_and_nobody_reads) {
    constexpr int lines = 200000; // 1.8 MB: more than the FIFO and the ring hold together
    Partition partition("fakevmm.console-count=" + std::to_string(lines));
    partition.spec.console->ring = 4 * 1024 * 1024;
    auto daemon = partition.start();
    for (int i = 0; i < 5; ++i) {
        partition.keeper().pidfd.signal(SIGSTOP);
        partition.keeper().pidfd.signal(SIGCONT);
    }
    daemon.reset(); // no daemon at all
    auto later = partition.connect();
    Viewer viewer(*later, Message());
    viewer.read_until("done\n");
    BOOST_TEST((viewer.data == counted(lines)));
    BOOST_TEST(viewer.first == 0U);
    BOOST_TEST(viewer.offset == viewer.data.size());
    BOOST_TEST(
        (mshv::posix::read_file(partition.folder() + "/console.log", 1U << 24U) == counted(lines)));
}

BOOST_AUTO_TEST_CASE(two_readers_see_the_same_and_a_cut_one_goes_on_where_it_was) {
    constexpr int lines = 60000;
    Partition partition("fakevmm.console-count=" + std::to_string(lines));
    partition.spec.console->ring = 1024 * 1024;
    auto daemon = partition.start();
    Viewer all(*daemon, Message());
    std::string pieces;
    std::uint64_t offset = 0;
    while (pieces.find("done\n") == std::string::npos) {
        Viewer cut(*daemon, Message().set("since", static_cast<std::int64_t>(offset)));
        BOOST_TEST(cut.answer().word == "ok");
        BOOST_TEST(cut.first == offset);
        if (cut.data.empty()) {
            cut.read_until("\n");
        }
        pieces += cut.data;
        offset = cut.offset;
    }
    all.read_until("done\n");
    BOOST_TEST((all.data == counted(lines)));
    BOOST_TEST((pieces == all.data));
}

BOOST_AUTO_TEST_CASE(a_reader_that_stands_still_costs_nobody_anything) {
    constexpr int lines = 300000; // 2.7 MB through a ring of 256 KiB
    Partition partition("fakevmm.console-count=" + std::to_string(lines));
    partition.launch();
    auto daemon = partition.connect();
    daemon->hello();
    daemon->event("ready");
    // Before the guest runs: who comes late finds the ring's end alone.
    Viewer frozen(*daemon, Message());
    Viewer reader(*daemon, Message());
    BOOST_TEST(daemon->ask(Message("resume")).word == "ok");
    reader.read_until("done\n");
    frozen.read_until("done\n");
    const auto expected = counted(lines);
    const auto gap = frozen.data.find("\r\n[mshv: ");
    BOOST_REQUIRE(gap != std::string::npos);
    const auto skipped = std::stoull(frozen.data.substr(gap + 9));
    const auto gap_end = frozen.data.find("skipped]\r\n", gap) + 10;
    BOOST_TEST((frozen.data.substr(0, gap) == expected.substr(0, gap)));
    BOOST_TEST((frozen.data.substr(gap_end) == expected.substr(gap + skipped)));
    BOOST_TEST(frozen.offset == expected.size());
}

BOOST_AUTO_TEST_CASE(one_writer_others_are_told_who) {
    Partition partition;
    auto daemon = partition.start();
    Viewer first(*daemon, Message().set("write", 1).set("who", "alice"));
    BOOST_TEST(first.writer == "1");
    BOOST_TEST(daemon->event("writer-changed").text("detail") == "alice");
    first.type("one\n");
    first.read_until("one\n");
    Viewer second(*daemon, Message().set("write", 1).set("who", "bob"));
    BOOST_TEST(second.answer().text("code") == "busy");
    BOOST_TEST(second.answer().text("writer") == "alice");
    Viewer reader(*daemon, Message());
    BOOST_TEST(reader.writer == "0");
    reader.type("not seen\n");
    const auto early = mshv::console::encode_frame(mshv::console::FrameType::data, "two\n");
    Viewer thief(*daemon,
                 Message().set("write", 1).set("steal", 1).set("who", "bob").set("early", early));
    BOOST_TEST(thief.answer().word == "ok");
    first.read_until_notice("bob types now");
    BOOST_TEST(first.writer == "0");
    first.read_until("two\n");
    BOOST_TEST(first.data.find("not seen") == std::string::npos);
    BOOST_TEST(daemon->ask(Message("status")).text("writer") == "bob");
    thief.close();
    BOOST_TEST(daemon->event("writer-changed").text("detail") == "bob");
    BOOST_TEST(daemon->event("writer-changed").text("detail").empty());
}

BOOST_AUTO_TEST_CASE(a_session_outlives_daemon_and_reboot_and_hears_the_end) {
    Partition partition;
    auto daemon = partition.start();
    Viewer viewer(*daemon, Message().set("write", 1));
    daemon.reset();
    viewer.type("still here\n");
    viewer.read_until("still here\n");
    auto next = partition.connect();
    BOOST_TEST(next->ask(Message("reset")).word == "ok");
    viewer.read_until_notice("generation 2");
    viewer.read_until("fakevmm runs\nstill here\nfakevmm runs\n");
    viewer.type("and here\n");
    viewer.read_until("and here\n");
    BOOST_TEST(next->ask(Message("kill")).word == "ok");
    viewer.read_until_exit();
    BOOST_TEST(viewer.exit == "destroyed");
}

BOOST_AUTO_TEST_CASE(raw_bytes_for_scripts) {
    Partition partition;
    auto daemon = partition.start();
    Viewer(*daemon, Message()).read_until("fakevmm runs\n");
    Viewer viewer(*daemon, Message().set("write", 1).set("raw", 1).set("replay", 0));
    BOOST_TEST(viewer.head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    viewer.type("abc\n");
    viewer.read_until("abc\n");
    BOOST_TEST(viewer.data == "abc\n");
}

BOOST_AUTO_TEST_CASE(a_flooding_guest_is_bounded_on_disk) {
    Partition partition("fakevmm.console-flood");
    partition.spec.console->log_size = 100000;
    partition.spec.console->log_keep = 1;
    auto daemon = partition.start();
    while (daemon->ask(Message("status")).number("console_bytes").value() < 20000000) {
    }
    BOOST_TEST(daemon->ask(Message("kill")).word == "ok");
    struct stat status {};
    for (const char* name : {"/console.log", "/console.log.1"}) {
        BOOST_TEST(::stat((partition.folder() + name).c_str(), &status) == 0);
        BOOST_TEST(status.st_size <= 100000);
    }
    BOOST_TEST(::stat((partition.folder() + "/console.log.2").c_str(), &status) != 0);
}

BOOST_AUTO_TEST_SUITE_END()
