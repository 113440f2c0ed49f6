// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/process_figures.hpp"
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/world.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>
#include <unistd.h>

namespace mshv::testing {
namespace {

using api::CreateMode;
using api::ErrorCode;
using api::Selector;
using api::State;

BOOST_FIXTURE_TEST_SUITE(query, World)

BOOST_AUTO_TEST_CASE(partitions_are_selected_by_number_name_and_uuid) {
    auto request = request_of("web", CreateMode::define);
    request.spec.uuid = api::parse_uuid("12345678-0000-4000-8000-000000000001");
    service().create(request, tester, at_once());
    request.spec.name = "db";
    request.spec.uuid = api::parse_uuid("12345678-0000-4000-8000-000000000002");
    service().create(request, tester, at_once());
    request.spec.name = "abcd";
    request.spec.uuid = api::parse_uuid("fedcba98-0000-4000-8000-000000000003");
    service().create(request, tester, at_once());
    const auto name_of = [&](const char* text) {
        return service().get(Selector::parse(text)).name;
    };
    BOOST_TEST(name_of("1") == "web");
    BOOST_TEST(name_of("id:2") == "db");
    BOOST_TEST(name_of("name:db") == "db");
    BOOST_TEST(name_of("12345678-0000-4000-8000-000000000002") == "db");
    BOOST_TEST(name_of("12345678-0000-4000-8000-000000000002") == "db");
    BOOST_TEST(name_of("FEDC") == "abcd");
    BOOST_TEST(name_of("abcd") == "abcd"); // a name comes before a prefix
    BOOST_TEST((code_of([&] { name_of("1234"); }) == ErrorCode::usage));
    BOOST_TEST((code_of([&] { name_of("uuid:fed"); }) == ErrorCode::not_found));
    BOOST_TEST((code_of([&] { name_of("nobody"); }) == ErrorCode::not_found));
    BOOST_TEST((code_of([&] { name_of("99"); }) == ErrorCode::not_found));
    try {
        service().get(Selector::parse("1234"));
    } catch (const api::Error& error) {
        BOOST_TEST(error.hint().find("web") != std::string::npos);
        BOOST_TEST(error.hint().find("db") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(the_list_is_what_get_says) {
    for (int i = 0; i < 20; ++i) {
        define("p" + std::to_string(i));
    }
    start("p3");
    auto list = api::decode_partition_list(service().list_json(true));
    BOOST_REQUIRE(list.size() == 20U);
    for (std::size_t i = 0; i < list.size(); ++i) {
        BOOST_TEST(list[i].id == static_cast<std::int64_t>(i) + 1);
        BOOST_TEST(list[i].name == get(list[i].name).name);
    }
    BOOST_TEST(list[3].runtime.has_value());
    list = api::decode_partition_list(service().list_json(false));
    BOOST_REQUIRE(list.size() == 1U);
    BOOST_TEST(list[0].name == "p3");
    BOOST_TEST(service().counts().partitions == 20U);
    BOOST_TEST(service().counts().live == 1U);
}

BOOST_AUTO_TEST_CASE(definitions_come_back_canonical_and_as_given) {
    auto request = request_of("web", CreateMode::define);
    request.xml = "<partition/>";
    request.spec.devices.nics.resize(2);
    request.spec.labels = {{"tier", "front"}};
    const auto view = service().create(request, tester, at_once());
    BOOST_TEST(view.labels.at("tier") == "front");
    const auto stored = service().definition(by_name("web"), {});
    BOOST_TEST(stored.xml == "<partition/>");
    BOOST_TEST((stored.spec.uuid == view.uuid));
    BOOST_TEST(stored.spec.devices.nics[1].mac.size() == 17U);
    // Replacing keeps what was generated.
    request.replace = true;
    request.spec.title = "new";
    service().create(request, tester, at_once());
    const auto after = service().definition(by_name("web"), {});
    BOOST_TEST(after.spec.title == "new");
    BOOST_TEST((after.spec.uuid == view.uuid));
    BOOST_TEST(after.spec.devices.nics[1].mac == stored.spec.devices.nics[1].mac);
    request.replace = false;
    BOOST_TEST(
        (code_of([&] { service().create(request, tester, at_once()); }) == ErrorCode::exists));
}

BOOST_AUTO_TEST_CASE(names_and_autostart_change_in_the_definition_too) {
    define("web");
    define("db");
    service().rename(by_name("web"), {"www"}, tester, at_once());
    BOOST_TEST(!exists("web"));
    BOOST_TEST(service().definition(by_name("www"), {}).spec.name == "www");
    BOOST_TEST((code_of([&] { service().rename(by_name("www"), {"db"}, tester, at_once()); }) ==
                ErrorCode::exists));
    BOOST_TEST((code_of([&] { service().rename(by_name("www"), {"17"}, tester, at_once()); }) ==
                ErrorCode::invalid));
    api::AutostartRequest request;
    request.order = 7;
    BOOST_TEST(service().set_autostart(by_name("www"), request, tester, at_once()).autostart);
    BOOST_TEST(service().definition(by_name("www"), {}).spec.autostart.order == 7U);
    create("once");
    BOOST_TEST((code_of([&] { service().set_autostart(by_name("once"), {}, tester, at_once()); }) ==
                ErrorCode::wrong_state));
}

BOOST_AUTO_TEST_CASE(undefining_what_runs_leaves_it_running) {
    define("web");
    const auto view = start("web");
    BOOST_TEST(!service().undefine(by_name("web"), {}, tester, at_once()).persistent);
    BOOST_TEST((get("web").state == State::running));
    machine().guest_poweroff(view.uuid);
    wait_gone("web");
    BOOST_TEST(!exists("web"));
}

BOOST_AUTO_TEST_CASE(events_are_waited_for) {
    define("web");
    const auto last = service().events(0, 100, std::nullopt, at_once()).last_seq;
    const auto uuid = get("web").uuid;
    std::jthread later([&] {
        define("noise");
        start("web");
    });
    const auto page = service().events(last, 100, uuid, soon());
    BOOST_REQUIRE(!page.events.empty());
    BOOST_TEST(page.events[0].name == "web");
    later.join();
    const auto end = service().events(0, 0, std::nullopt, at_once()).last_seq;
    BOOST_TEST(service().events(end, 10, std::nullopt, at_once()).events.empty());
}

BOOST_AUTO_TEST_CASE(states_are_waited_for) {
    const auto view = create("web");
    std::jthread later([&] { machine().guest_poweroff(view.uuid); });
    const auto gone = service().wait_state(by_name("web"), {State::shutoff}, soon());
    BOOST_TEST((gone.reason == api::Reason::guest_poweroff));
    later.join();
    define("off");
    BOOST_TEST((code_of([&] {
                    service().wait_state(by_name("off"), {State::running}, at_once());
                }) == ErrorCode::timeout));
    const auto other = create("other");
    std::jthread end([&] { machine().guest_poweroff(other.uuid); });
    BOOST_TEST((code_of([&] { service().wait_state(by_name("other"), {State::paused}, soon()); }) ==
                ErrorCode::not_found));
}

BOOST_AUTO_TEST_CASE(waiting_ends_with_the_daemon) {
    define("web");
    const auto last = service().counts().last_event_seq;
    bool empty = false;
    std::jthread poll(
        [&] { empty = service().events(last, 10, std::nullopt, soon()).events.empty(); });
    std::optional<ErrorCode> code;
    std::jthread wait([&] {
        code = code_of([&] { service().wait_state(by_name("web"), {State::running}, soon()); });
    });
    service().stop();
    poll.join();
    wait.join();
    BOOST_TEST(empty);
    BOOST_TEST((code == ErrorCode::unreachable));
}

BOOST_AUTO_TEST_CASE(the_same_disk_has_one_writer) {
    const std::string image = dir().path("disk.img");
    const std::string link = dir().path("link.img");
    posix::replace_file(image, "x");
    BOOST_REQUIRE(::link(image.c_str(), link.c_str()) == 0);
    auto request = request_of("a", CreateMode::transient);
    request.spec.devices.disks.resize(1);
    request.spec.devices.disks[0].path = image;
    service().create(request, tester, at_once());
    request.spec.name = "b";
    request.spec.devices.disks[0].path = link;
    BOOST_TEST(
        (code_of([&] { service().create(request, tester, at_once()); }) == ErrorCode::exists));
    BOOST_TEST(!exists("b"));
    request.spec.devices.disks[0].read_only = true;
    BOOST_TEST(
        (code_of([&] { service().create(request, tester, at_once()); }) == ErrorCode::exists));
    destroy("a");
    service().create(request, tester, at_once());
    request.spec.name = "c";
    service().create(request, tester, at_once()); // as many as like may read
    request.spec.name = "d";
    request.spec.devices.disks[0].read_only = false;
    BOOST_TEST(
        (code_of([&] { service().create(request, tester, at_once()); }) == ErrorCode::exists));
}

BOOST_AUTO_TEST_CASE(console_logs_are_given_oldest_first_even_of_the_dead) {
    const auto view = create("web");
    const std::string folder = dir().path("log") + '/' + api::to_string(view.uuid);
    posix::make_directories(folder, 0700);
    BOOST_TEST(service().console_log(by_name("web")).empty());
    posix::replace_file(folder + "/console.log", "new");
    posix::replace_file(folder + "/console.log.1", "mid");
    posix::replace_file(folder + "/console.log.2", "old");
    destroy("web");
    std::string text;
    for (const auto& file : service().console_log(by_name("web"))) {
        text += posix::read_all(file.get(), 100, "log");
    }
    BOOST_TEST(text == "oldmidnew");
}

BOOST_AUTO_TEST_CASE(samples_are_read_from_proc) {
    const auto self = posix::identify_process(::getpid()).value();
    const std::string stat = posix::read_file("/proc/self/stat", 4096);
    const auto sample = control::parse_stat(stat, self);
    BOOST_REQUIRE(sample.has_value());
    BOOST_TEST(sample->rss > 1'000'000);
    BOOST_TEST(!control::parse_stat(stat, {self.pid, self.start_ticks + 1}));
    BOOST_TEST(!control::parse_stat("1 (evil ) 1 2 3) S 1", self));
    BOOST_TEST(!control::parse_stat("", self));
}

BOOST_AUTO_TEST_CASE(what_storage_gave_and_took_is_read_from_proc) {
    const auto io = control::parse_io("rchar: 9\nwchar: 8\nsyscr: 7\nsyscw: 6\nread_bytes: 4096\n"
                                      "write_bytes: 8192\ncancelled_write_bytes: 1\n");
    BOOST_REQUIRE(io.has_value());
    BOOST_TEST(io->in == 4096);
    BOOST_TEST(io->out == 8192);
    BOOST_TEST(!control::parse_io("rchar: 9\n"));
    BOOST_TEST(!control::parse_io("read_bytes: \nwrite_bytes: 1"));
    BOOST_TEST(!control::parse_io(""));
}

BOOST_AUTO_TEST_CASE(taps_are_found_by_their_descriptors_and_counted) {
    const TempDir dir;
    const auto write = [&](const std::string& file, std::string_view text) {
        const std::string path = dir.path(file);
        posix::make_directories(path.substr(0, path.rfind('/')), 0700);
        posix::replace_file(path, text);
    };
    write("proc/5/fdinfo/3", "pos:\t0\nflags:\t02\nmnt_id:\t15\n");
    write("proc/5/fdinfo/8", "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t9\niff:\tmshv7.0\n");
    write("proc/5/fdinfo/9", "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t9\niff:\tmshv7.0\n");
    write("proc/5/fdinfo/10", "pos:\t0\nino:\t9\niff:\t../../etc\n");
    const auto taps = control::taps_of(dir.path("proc"), 5);
    BOOST_REQUIRE(taps.size() == 1U);
    BOOST_TEST(taps[0] == "mshv7.0");
    BOOST_TEST(control::taps_of(dir.path("proc"), 6).empty());

    write("net/mshv7.0/statistics/rx_bytes", "100\n");
    write("net/mshv7.0/statistics/tx_bytes", "7\n");
    write("net/lan/statistics/rx_bytes", "1\n");
    write("net/lan/statistics/tx_bytes", "2\n");
    const auto traffic = control::traffic_of(dir.path("net"), {"mshv7.0", "gone", "lan"});
    BOOST_REQUIRE(traffic.has_value());
    BOOST_TEST(traffic->in == 9);
    BOOST_TEST(traffic->out == 101);
    BOOST_TEST(!control::traffic_of(dir.path("net"), {"gone"}));
    BOOST_TEST(!control::traffic_of(dir.path("net"), {}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
