// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/accelerator.hpp"
#include "daemon/vmm/qemu/migration.hpp"
#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace mshv;
using namespace mshv::vmm;
using namespace mshv::vmm::qemu;

namespace {

Capabilities qemu_of(const char* version) {
    Capabilities capabilities;
    capabilities.version = Version::parse(version).value();
    capabilities.machines = {"pc-q35-7.2", "pc-q35-8.0", "q35"};
    return capabilities;
}

std::string refusal(const char* saved_by, const char* machine, const char* here, const char* cpu) {
    try {
        refuse_foreign(saved_by, machine, qemu_of(here), cpu);
    } catch (const api::Error& error) {
        return error.message();
    }
    return {};
}

} // namespace

BOOST_AUTO_TEST_CASE(dumps_are_read) {
    const auto active =
        parse_dump(R"({"return":{"status":"active","completed":4096,"total":8192}})");
    BOOST_TEST((active.state == Transfer::State::active));
    BOOST_TEST(active.done == 4096);
    BOOST_TEST(active.total == 8192);
    BOOST_TEST((parse_dump(R"({"return":{"status":"none","completed":0,"total":0}})").state ==
                Transfer::State::none));
    BOOST_TEST((parse_dump(R"({"return":{"status":"failed"}})").state == Transfer::State::failed));
    BOOST_CHECK_THROW(parse_dump("{}"), api::Error);
    BOOST_TEST(parse_dump_formats(R"({"return":{"formats":["elf",7,"win-dmp"]}})") ==
               (std::vector<std::string>{"elf", "", "win-dmp"}));
    BOOST_TEST(parse_dump_formats(R"({"return":{}})").empty());
}

BOOST_AUTO_TEST_CASE(transfers_are_read) {
    const auto transfer = parse_transfer(
        R"({"return":{"status":"active","ram":{"total":1000,"remaining":400,"dirty-sync-count":3}}})");
    BOOST_TEST((transfer.state == Transfer::State::active));
    BOOST_TEST(transfer.done == 600);
    BOOST_TEST(transfer.total == 1000);
    BOOST_TEST(transfer.passes == 3);
    BOOST_TEST((parse_transfer(R"({"return":{}})").state == Transfer::State::none));
    BOOST_TEST((parse_transfer(R"({"return":{"status":"completed"}})").state ==
                Transfer::State::completed));
    BOOST_TEST((parse_transfer(R"({"return":{"status":"cancelled"}})").state ==
                Transfer::State::cancelled));
    const auto failed =
        parse_transfer(R"({"return":{"status":"failed","error-desc":"no\u001b room"}})");
    BOOST_TEST((failed.state == Transfer::State::failed));
    BOOST_TEST(failed.why.find('\x1b') == std::string::npos);
    // A VMM that lies gives no negative numbers.
    const auto lie =
        parse_transfer(R"({"return":{"status":"setup","ram":{"total":-5,"remaining":9}}})");
    BOOST_TEST((lie.state == Transfer::State::active));
    BOOST_TEST(lie.done == 0);
    BOOST_TEST(lie.total == 0);
    BOOST_CHECK_THROW(parse_transfer(R"({"error":{"class":"GenericError","desc":"x"}})"),
                      api::Error);
}

BOOST_AUTO_TEST_CASE(what_stands_in_the_way) {
    BOOST_TEST(parse_blockers(R"({"return":{"status":"none"}})").empty());
    BOOST_TEST(parse_blockers(R"({"return":{"blocked-reasons":["a","b"]}})") == "a; b");
    // Under mshv QEMU itself says nothing and leaves state out.
    const auto lacks = lacking(api::Accelerator::mshv, Version::parse("11.1.3").value());
    BOOST_TEST((std::find(lacks.begin(), lacks.end(), "save") != lacks.end()));
}

BOOST_AUTO_TEST_CASE(machine_types) {
    BOOST_TEST(parse_machine(R"({"return":"pc-q35-7.2-machine"})") == "pc-q35-7.2");
    BOOST_CHECK_THROW(parse_machine(R"({"return":"q35"})"), api::Error);
    BOOST_CHECK_THROW(parse_machine(R"({"return":7})"), api::Error);
}

BOOST_AUTO_TEST_CASE(what_the_guest_sees_of_a_command_line) {
    const auto visible = guest_visible({"qemu", "-name", "x", "-machine", "q35", "-S", "-device",
                                        "{}", "-chardev", "c", "-m", "128M"});
    const std::vector<std::string> wanted{"-machine q35", "-device {}", "-m 128M"};
    BOOST_TEST(visible == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(another_qemu_is_refused_early) {
    BOOST_TEST(refusal("qemu 7.2.22", "pc-q35-7.2", "7.2.22", "max").empty());
    BOOST_TEST(refusal("qemu 7.2.1", "pc-q35-7.2", "7.2.22", "max").empty());
    BOOST_TEST(refusal("qemu 7.2.22", "pc-q35-7.2", "8.0.0", "qemu64").empty());
    BOOST_TEST(refusal("qemu 8.0.0", "pc-q35-8.0", "7.2.22", "qemu64").find("8.0.0") !=
               std::string::npos);
    BOOST_TEST(refusal("qemu 7.2.22", "pc-q35-6.0", "7.2.22", "qemu64").find("pc-q35-6.0") !=
               std::string::npos);
    BOOST_TEST(refusal("qemu 7.2.22", "pc-q35-7.2", "8.0.0", "max").find("'max'") !=
               std::string::npos);
    BOOST_TEST(!refusal("cloud-hypervisor 1", "q35", "8.0.0", "qemu64").empty());
}

BOOST_AUTO_TEST_CASE(the_hosts_side_of_an_interface_is_no_hardware) {
    BOOST_TEST(guest_visible(std::string(R"(-device {"id":"net0","netdev":"x.net","mac":"m"})")) ==
               R"(-device {"id":"net0","mac":"m"})");
    BOOST_TEST(guest_visible(std::string("-smp cpus=1")) == "-smp cpus=1");
}
