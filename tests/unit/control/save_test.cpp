// SPDX-License-Identifier: Apache-2.0
//
// Saves and restores with a VMM in memory: what is where at each end, whoever dies meanwhile.
#include "daemon/control/saved_file.hpp"
#include "tests/unit/control/whole.hpp"
#include "tests/unit/control/world.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

using namespace mshv;
using namespace mshv::testing;

namespace {

namespace fs = std::filesystem;

api::JobView ended(World& world, const api::JobView& job) {
    return world.service().job(job.id, soon());
}

api::JobView save(World& world, const std::string& name, const std::string& path,
                  api::AfterSave then = api::AfterSave::end) {
    return ended(world, world.service().save(by_name(name), {path, then}, tester, at_once()));
}

api::JobView restore(World& world, const std::string& path) {
    api::RestoreRequest request;
    request.path = path;
    return ended(world, world.service().restore(request, tester, at_once()));
}

/// What the only VMM took its state from.
std::string loaded(World& world) {
    const auto keepers = world.machine().keepers();
    std::string text;
    for (const auto& [key, keeper] : keepers) {
        text += keeper.finished ? "" : keeper.loaded;
    }
    return text;
}

std::string message_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const api::Error& error) {
        return error.message();
    }
    return "nothing was thrown";
}

} // namespace

BOOST_AUTO_TEST_CASE(saved_and_restored) {
    World world;
    world.define("p");
    world.start("p");
    const auto file = world.dir().path("p.save");
    const auto job = save(world, "p", file);
    BOOST_TEST((job.state == api::JobState::done), job.message);
    BOOST_TEST((world.get("p").state == api::State::shutoff));
    BOOST_TEST((world.get("p").reason == api::Reason::saved));
    BOOST_TEST(fs::exists(file));
    BOOST_TEST((restore(world, file).state == api::JobState::done));
    BOOST_TEST((world.wait("p", api::State::running).state == api::State::running));
    BOOST_TEST(loaded(world) == "the guest's state");
    BOOST_TEST(broken_invariants(world).empty());
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_checkpoint_goes_on) {
    World world;
    world.create("p");
    BOOST_TEST((save(world, "p", world.dir().path("a"), api::AfterSave::run).state ==
                api::JobState::done));
    BOOST_TEST((world.wait("p", api::State::running).state == api::State::running));
    BOOST_TEST((save(world, "p", world.dir().path("b"), api::AfterSave::pause).state ==
                api::JobState::done));
    BOOST_TEST((world.wait("p", api::State::paused).state == api::State::paused));
    world.destroy("p");
    BOOST_TEST((restore(world, world.dir().path("a")).state == api::JobState::done));
    BOOST_TEST(!world.get("p").persistent);
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_failure_leaves_the_guest_running_and_no_file) {
    World world;
    world.create("p");
    auto faults = world.machine().faults();
    faults.fail_save = "No space left on device";
    world.machine().set_faults(faults);
    const auto file = world.dir().path("p.save");
    const auto job = save(world, "p", file);
    BOOST_TEST((job.state == api::JobState::failed));
    BOOST_TEST(job.error == "no_resource");
    BOOST_TEST(!fs::exists(file));
    BOOST_TEST(!fs::exists(file + ".part"));
    BOOST_TEST((world.get("p").state == api::State::running));
    // The folder, and what is there already, are known before anything is done.
    BOOST_CHECK_THROW(save(world, "p", "/no/such/folder/file"), api::Error);
    BOOST_CHECK_THROW(save(world, "p", "relative"), api::Error);
    BOOST_TEST(broken_invariants(world).empty());
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_cancelled_save_leaves_the_guest_running) {
    World world;
    world.create("p");
    auto faults = world.machine().faults();
    faults.hold_save = true;
    world.machine().set_faults(faults);
    const auto file = world.dir().path("p.save");
    const auto begun = world.service().save(by_name("p"), {file}, tester, at_once());
    // Its partition is busy, and who has it is said.
    BOOST_TEST(message_of([&] { world.service().pause(by_name("p"), tester, at_once()); })
                   .find("save") != std::string::npos);
    BOOST_TEST(world.service().cancel_job(begun.id, tester).cancelling);
    BOOST_TEST((ended(world, begun).state == api::JobState::cancelled));
    BOOST_TEST(!fs::exists(file + ".part"));
    BOOST_TEST((world.get("p").state == api::State::running));
    BOOST_CHECK_THROW(world.service().cancel_job(begun.id, tester), api::Error);
    BOOST_CHECK_THROW(world.service().cancel_job(99, tester), api::Error);
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_save_goes_on_over_a_restart_of_the_daemon) {
    World world;
    world.define("p");
    world.start("p");
    auto faults = world.machine().faults();
    faults.hold_save = true;
    world.machine().set_faults(faults);
    const auto file = world.dir().path("p.save");
    const auto begun = world.service().save(by_name("p"), {file}, tester, at_once());
    BOOST_TEST(world.machine().wait([](const FakeMachine::Keepers& keepers) {
        return keepers.begin()->second.transfer.state == vmm::Transfer::State::active;
    }));
    world.restart_daemon();
    BOOST_TEST((world.service().job(begun.id, at_once()).state == api::JobState::running));
    faults.hold_save = false;
    world.machine().set_faults(faults);
    BOOST_TEST((ended(world, begun).state == api::JobState::done));
    BOOST_TEST((world.get("p").reason == api::Reason::saved));
    BOOST_TEST((restore(world, file).state == api::JobState::done));
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_vmm_that_dies_ends_its_save) {
    World world;
    const auto p = world.create("p");
    auto faults = world.machine().faults();
    faults.hold_save = true;
    world.machine().set_faults(faults);
    const auto file = world.dir().path("p.save");
    const auto begun = world.service().save(by_name("p"), {file}, tester, at_once());
    world.machine().vmm_dies(p.uuid, 11);
    BOOST_TEST((ended(world, begun).state == api::JobState::failed));
    BOOST_TEST(!fs::exists(file));
    BOOST_TEST(!fs::exists(file + ".part"));
    world.wait_gone("p");
    // The keeper is dismissed when its end is recorded.
    BOOST_TEST(world.machine().wait([](const auto& keepers) { return keepers.empty(); }));
    BOOST_TEST(broken_invariants(world).empty());
}

BOOST_AUTO_TEST_CASE(a_managed_save_is_used_up_by_start) {
    World world;
    world.define("p");
    world.start("p");
    BOOST_TEST((save(world, "p", "").state == api::JobState::done));
    BOOST_TEST(world.get("p").saved);
    BOOST_CHECK_THROW(world.service().undefine(by_name("p"), {}, tester, at_once()), api::Error);
    world.restart_daemon();
    BOOST_TEST(world.get("p").saved);
    world.start("p");
    BOOST_TEST(loaded(world) == "the guest's state");
    BOOST_TEST(!world.get("p").saved);
    BOOST_TEST((world.get("p").state == api::State::running));

    BOOST_TEST((save(world, "p", "").state == api::JobState::done));
    world.service().drop_saved(by_name("p"), tester, at_once());
    world.start("p");
    BOOST_TEST(loaded(world).empty());
    world.destroy("p");
    world.create("t");
    BOOST_CHECK_THROW(save(world, "t", ""), api::Error); // nothing would start it again
    world.destroy("t");
}

BOOST_AUTO_TEST_CASE(a_boot_of_the_host_loses_no_saved_state) {
    World world;
    world.define("p");
    world.start("p");
    BOOST_TEST((save(world, "p", "").state == api::JobState::done));
    world.stop_daemon();
    world.machine().reboot_host("boot-2");
    world.options.boot_id = "boot-2";
    world.start_daemon();
    BOOST_TEST(world.get("p").saved);
    world.start("p");
    BOOST_TEST(loaded(world) == "the guest's state");
    world.destroy("p");
}

BOOST_AUTO_TEST_CASE(a_comparison_tells_all_that_is_in_the_way) {
    World world;
    const auto disk = world.dir().path("a.img");
    std::ofstream(disk) << std::string(4096, ' ');
    auto request = request_of("a", api::CreateMode::persistent);
    request.spec.devices.disks.resize(1);
    request.spec.devices.disks.front().path = disk;
    world.service().create(request, tester, at_once());
    const auto path = world.dir().path("a.save");
    save(world, "a", path);
    const auto before = world.store().last_seq();
    const auto fine = world.service().compare({path});
    BOOST_TEST(fine.name == "a");
    BOOST_TEST(fine.obstacles.empty());

    request.spec.name = "b";
    request.spec.uuid.reset();
    request.spec.devices.disks.front().alias.clear();
    world.service().create(request, tester, at_once());
    world.service().rename(by_name("a"), {"c"}, tester, at_once());
    const auto events = world.store().last_seq();
    const auto found = world.service().compare({path});
    std::string codes;
    for (const auto& obstacle : found.obstacles) {
        codes += obstacle.code + ' ';
    }
    BOOST_TEST(codes == "exists "); // who has its disk
    BOOST_TEST(world.store().last_seq() == events);
    BOOST_TEST(before < events);

    BOOST_TEST(world.service().compare({world.dir().path("none")}).obstacles.size() == 1U);
}

BOOST_AUTO_TEST_CASE(every_byte_of_a_file_counts) {
    World world;
    world.define("p");
    world.start("p");
    const auto file = world.dir().path("p.save");
    save(world, "p", file);
    const auto whole = posix::read_file(file, 1 << 20);
    const auto watch = [](std::uint64_t, std::uint64_t) {};
    for (std::size_t at = 0; at < whole.size(); at += at < 120 || at > whole.size() - 40 ? 1 : 61) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
        posix::replace_file(file, damaged);
        BOOST_CHECK_THROW(control::check_stream(control::open_saved(file), watch), api::Error);
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{50}, std::size_t{200},
                                   whole.size() - 18, whole.size() - 1}) {
        posix::replace_file(file, whole.substr(0, size));
        BOOST_CHECK_THROW(control::check_stream(control::open_saved(file), watch), api::Error);
    }
    posix::replace_file(file, whole);
    control::check_stream(control::open_saved(file), watch);
}
