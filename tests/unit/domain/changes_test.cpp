// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/changes.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>

namespace mshv::domain {
namespace {

using api::Takes;
using Edit = std::function<void(api::PartitionSpec&)>;

api::PartitionSpec spec() {
    api::PartitionSpec spec;
    spec.name = "web";
    spec.uuid = api::parse_uuid("0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f");
    spec.memory.size = 64UL << 20;
    return spec;
}

/// When what `edit` changes is felt; exactly one place may differ.
Takes takes(const Edit& edit) {
    auto after = spec();
    edit(after);
    const auto found = changes(spec(), after);
    BOOST_REQUIRE(found.size() == 1U);
    return found.front().takes;
}

BOOST_AUTO_TEST_SUITE(changes_of_definitions)

BOOST_AUTO_TEST_CASE(what_the_daemon_looks_up_is_live) {
    const std::vector<Edit> edits{
        [](auto& s) { s.name = "db"; },
        [](auto& s) { s.title = "t"; },
        [](auto& s) { s.description = "d"; },
        [](auto& s) { s.labels["a"] = "b"; },
        [](auto& s) { s.protect_destroy = true; },
        [](auto& s) { s.protect_delete = true; },
        [](auto& s) { s.autostart.enabled = true; },
        [](auto& s) { s.shutdown.timeout_s = 3; },
        [](auto& s) { s.restart.limit = 9; },
        [](auto& s) { s.on_reboot = api::OnEnd::destroy; },
    };
    for (const auto& edit : edits) {
        BOOST_TEST((takes(edit) == Takes::live));
    }
}

BOOST_AUTO_TEST_CASE(what_is_in_the_command_waits_for_the_next_start) {
    const std::vector<Edit> edits{
        [](auto& s) { s.memory.size *= 2; },
        [](auto& s) { s.cpu.maximum = 2; },
        [](auto& s) { s.boot.cmdline = "quiet"; },
        [](auto& s) { s.devices.rng = true; },
        [](auto& s) { s.vmm.minimum = "9"; },
        [](auto& s) { s.accelerator = api::Accelerator::tcg; },
    };
    for (const auto& edit : edits) {
        BOOST_TEST((takes(edit) == Takes::next_start));
    }
    BOOST_TEST((takes([](auto& s) { s.uuid = api::random_uuid(); }) == Takes::recreate));
}

BOOST_AUTO_TEST_CASE(only_what_is_not_live_needs_a_start) {
    auto after = spec();
    BOOST_TEST(!needs_start(changes(spec(), after)));
    after.title = "t";
    BOOST_TEST(!needs_start(changes(spec(), after)));
    after.memory.size *= 2;
    BOOST_TEST(needs_start(changes(spec(), after)));
}

BOOST_AUTO_TEST_CASE(what_is_left_open_is_inherited) {
    auto before = spec();
    before.devices.nics.resize(2);
    before.devices.nics[0].mac = "52:54:00:00:00:01";
    before.devices.nics[1].mac = "52:54:00:00:00:02";
    auto after = before;
    after.uuid.reset();
    after.devices.nics[0].mac.clear();
    after.devices.nics[1].mac = "52:54:00:00:00:03";
    inherit(after, before);
    BOOST_TEST((after.uuid == before.uuid));
    BOOST_TEST(after.devices.nics[0].mac == "52:54:00:00:00:01");
    BOOST_TEST(after.devices.nics[1].mac == "52:54:00:00:00:03");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::domain
