// SPDX-License-Identifier: Apache-2.0
//
// Dumps with a VMM in memory: what is where at each end, whoever dies meanwhile.
#include "tests/unit/control/whole.hpp"
#include "tests/unit/control/world.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>

using namespace mshv;
using namespace mshv::testing;

namespace {

namespace fs = std::filesystem;

api::JobView begin(World& world, const std::string& path,
                   api::DumpFormat format = api::DumpFormat::elf) {
    return world.service().dump(by_name("p"), {path, format}, tester, at_once());
}

api::JobView ended(World& world, const api::JobView& job) {
    return world.service().job(job.id, soon());
}

void hold(World& world, bool on) {
    auto faults = world.machine().faults();
    faults.hold_save = on;
    world.machine().set_faults(faults);
}

std::size_t files_in(const std::string& folder) {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

struct WithFolder {
    WithFolder() { fs::create_directory(folder); }
    World world;
    const std::string folder = world.dir().path("dumps");
    const std::string file = folder + "/p.core";
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(dumps, WithFolder)

BOOST_AUTO_TEST_CASE(a_guest_goes_on_behind_its_dump) {
    world.create("p");
    const auto job = ended(world, begin(world, file));
    BOOST_TEST((job.state == api::JobState::done), job.message);
    BOOST_TEST((job.kind == api::JobKind::dump_core));
    BOOST_TEST((world.get("p").state == api::State::running));
    BOOST_TEST(posix::read_file(file, 100) == "the guest's memory");
    BOOST_TEST(files_in(folder) == 1U);
    // One that was paused stays so.
    world.service().pause(by_name("p"), tester, at_once());
    BOOST_TEST((ended(world, begin(world, file + "2")).state == api::JobState::done));
    BOOST_TEST((world.get("p").state == api::State::paused));
    BOOST_TEST(broken_invariants(world).empty());
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_before_anything_is_done) {
    world.define("p");
    BOOST_CHECK_THROW(begin(world, file), api::Error); // nothing runs
    world.start("p");
    BOOST_CHECK_THROW(begin(world, "p.core"), api::Error);
    BOOST_CHECK_THROW(begin(world, "/no/such/folder/p.core"), api::Error);
    BOOST_CHECK_THROW(begin(world, file, api::DumpFormat::win_dmp), api::Error);
    posix::replace_file(file, "somebody's");
    BOOST_CHECK_THROW(begin(world, file), api::Error);
    BOOST_TEST(posix::read_file(file, 100) == "somebody's");
    BOOST_TEST(world.service().jobs().jobs.empty());
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_failure_leaves_no_file_and_the_guest_running) {
    world.create("p");
    auto faults = world.machine().faults();
    faults.fail_dump = true;
    world.machine().set_faults(faults);
    const auto job = ended(world, begin(world, file));
    BOOST_TEST((job.state == api::JobState::failed));
    BOOST_TEST(job.error == "failed");
    BOOST_TEST(files_in(folder) == 0U);
    BOOST_TEST((world.get("p").state == api::State::running));
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_dump_goes_on_over_a_restart_of_the_daemon_and_is_not_cancelled) {
    world.define("p");
    world.start("p");
    hold(world, true);
    const auto begun = begin(world, file);
    BOOST_TEST(world.machine().wait([](const FakeMachine::Keepers& keepers) {
        return keepers.begin()->second.dump.state == vmm::Transfer::State::active;
    }));
    BOOST_CHECK_THROW(world.service().cancel_job(begun.id, tester), api::Error);
    world.restart_daemon();
    BOOST_TEST((world.service().job(begun.id, at_once()).state == api::JobState::running));
    BOOST_CHECK_THROW(world.service().pause(by_name("p"), tester, at_once()), api::Error);
    BOOST_TEST(!fs::exists(file));
    hold(world, false);
    BOOST_TEST((ended(world, begun).state == api::JobState::done));
    BOOST_TEST(posix::read_file(file, 100) == "the guest's memory");
    BOOST_TEST(files_in(folder) == 1U);
    BOOST_TEST((world.wait("p", api::State::running).state == api::State::running));
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_vmm_that_dies_ends_its_dump) {
    const auto p = world.create("p");
    hold(world, true);
    const auto begun = begin(world, file);
    BOOST_TEST(world.machine().wait([](const FakeMachine::Keepers& keepers) {
        return keepers.begin()->second.dump.state == vmm::Transfer::State::active;
    }));
    world.machine().vmm_dies(p.uuid, 11);
    BOOST_TEST((ended(world, begun).state == api::JobState::failed));
    BOOST_TEST(files_in(folder) == 0U);
    world.wait_gone("p");
    BOOST_TEST(world.machine().wait([](const auto& keepers) { return keepers.empty(); }));
    BOOST_TEST(broken_invariants(world).empty());
}

BOOST_AUTO_TEST_SUITE_END()
