// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/disk_identity.hpp"
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/vmm/scene.hpp"
#include "toolstack/libs/api/error.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <thread>

namespace {

using namespace mshv;
using posix::Deadline;
using test::Events;
using test::Folder;
using testing::code_of;
using Kind = vmm::KeeperEvent::Kind;

boost::test_tools::assertion_result qemu_there(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(test::has_qemu());
    result.message() << "needs qemu-system-x86_64";
    return result;
}

Deadline soon() {
    return Deadline::after(std::chrono::seconds(20));
}

/// A host with its sink.
struct Scene {
    Folder folder;
    Events events;
    std::unique_ptr<vmm::VmmHost> host = vmm::make_host(test::options_in(folder));

    Scene() { watch(*host); }
    void watch(vmm::VmmHost& watched) {
        watched.set_event_sink([this](const api::Uuid&, const std::string&,
                                      const vmm::KeeperEvent& event) { events.add(event); });
    }
    std::unique_ptr<vmm::VmmProcess> launch(const api::PartitionSpec& spec,
                                            api::PartitionNumber id = 1) const {
        return host->launch(host->plan({spec, id, "i1", false}), soon());
    }
};

} // namespace

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(a_partition_is_launched_paused_resumed_and_killed) {
    Scene scene;
    const auto process = scene.launch(test::small_spec("one"));
    auto status = process->status(soon());
    BOOST_TEST((status.state == api::State::starting));
    BOOST_REQUIRE(status.vmm.has_value());
    BOOST_TEST(posix::PidFd::open(*status.vmm).has_value());
    process->resume(soon());
    BOOST_TEST((process->status(soon()).state == api::State::running));
    process->pause(soon());
    BOOST_TEST((process->status(soon()).state == api::State::paused));
    process->resume(soon());
    const auto vcpus = process->vcpus(soon());
    BOOST_REQUIRE_EQUAL(vcpus.size(), 1U);
    BOOST_TEST(vcpus[0].thread_id > 0);
    BOOST_TEST(vcpus[0].state != '?');
    BOOST_TEST(vcpus[0].affinity == "all");
    process->kill(soon());
    BOOST_TEST(scene.events.wait(Kind::finished));
    BOOST_TEST(!posix::PidFd::open(*status.vmm).has_value());
    BOOST_TEST(scene.host->incarnations().size() == 1U);
    process->release(soon());
    const auto keeper = posix::PidFd::open(process->record().keeper);
    if (keeper) {
        keeper->wait_ended(soon());
    }
    process->release(soon()); // again: nothing to do
    std::int64_t last = 0;
    for (const auto& event : scene.events.all()) {
        BOOST_TEST(event.seq == ++last);
    }
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(a_vmm_that_does_not_start_leaves_nothing) {
    Scene scene;
    auto plan = scene.host->plan({test::small_spec("bad"), 1, "i1", false});
    plan.argv.insert(plan.argv.end(), {"-device", R"({"driver":"no-such-device"})"});
    try {
        (void)scene.host->launch(plan, soon());
        BOOST_FAIL("launched");
    } catch (const api::Error& error) {
        BOOST_TEST(error.message().find("no-such-device") != std::string::npos, error.message());
    }
    BOOST_TEST(scene.host->incarnations().empty());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(an_interface_comes_stays_over_a_reset_and_goes) {
    using State = vmm::VmmProcess::DeviceState;
    Scene scene;
    const auto spec = test::small_spec("nics");
    const auto process = scene.launch(spec);
    process->resume(soon());
    api::Nic nic;
    nic.alias = "net0";
    nic.mac = "52:54:00:00:00:01";
    nic.link_up = false;
    BOOST_TEST((process->settle_device("net0", soon()) == State::absent));
    process->attach_nic(spec, nic, soon());
    BOOST_TEST((process->settle_device("net0", soon()) == State::present));
    process->set_link("net0", true, soon());
    process->reset(soon());
    BOOST_REQUIRE(scene.events.wait_count(Kind::ready, 2));
    BOOST_TEST((process->settle_device("net0", soon()) == State::present));
    process->set_link("net0", false, soon());
    // Nobody in there answers, so it goes with the generation.
    BOOST_TEST((code_of([&] {
                    process->detach_device("net0", Deadline::after(std::chrono::milliseconds(200)));
                }) == api::ErrorCode::timeout));
    BOOST_TEST((process->settle_device("net0", soon()) == State::leaving));
    process->reset(soon());
    BOOST_REQUIRE(scene.events.wait_count(Kind::ready, 3));
    BOOST_TEST((process->settle_device("net0", soon()) == State::absent));
    BOOST_TEST(
        (code_of([&] { process->set_link("net0", true, soon()); }) == api::ErrorCode::failed));
    // What the VMM refuses is undone, whole: the backend was there already.
    auto bad = nic;
    bad.mac = "no address";
    BOOST_CHECK_THROW(process->attach_nic(spec, bad, soon()), api::Error);
    BOOST_TEST((process->settle_device("net0", soon()) == State::absent));
    process->attach_nic(spec, nic, soon());
    BOOST_TEST((process->settle_device("net0", soon()) == State::present));
    process->kill(soon());
    process->release(soon());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(a_disk_comes_stays_over_a_reset_and_goes) {
    using State = vmm::VmmProcess::DeviceState;
    Scene scene;
    const auto spec = test::small_spec("disks");
    const auto process = scene.launch(spec);
    process->resume(soon());
    api::Disk disk;
    disk.alias = "disk0";
    disk.target = "vda";
    disk.cache = api::DiskCache::writeback; // the folder may be in memory
    disk.path = scene.folder / "disk";
    std::ofstream(disk.path) << std::string(1 << 20, 'x');
    const auto claims = vmm::disk_claims(disk);
    BOOST_TEST((process->settle_device("disk0", soon()) == State::absent));
    process->attach_disk(spec, disk, claims, soon());
    BOOST_TEST((process->settle_device("disk0", soon()) == State::present));
    process->reset(soon());
    BOOST_REQUIRE(scene.events.wait_count(Kind::ready, 2));
    BOOST_TEST((process->settle_device("disk0", soon()) == State::present));
    // Nobody in there answers, so it goes with the generation.
    try {
        process->detach_device("disk0", Deadline::after(std::chrono::milliseconds(200)));
        BOOST_FAIL("detached");
    } catch (const api::Error& error) {
        BOOST_TEST((error.code() == api::ErrorCode::timeout), error.message());
    }
    BOOST_TEST((process->settle_device("disk0", soon()) == State::leaving));
    process->reset(soon());
    BOOST_REQUIRE(scene.events.wait_count(Kind::ready, 3));
    BOOST_TEST((process->settle_device("disk0", soon()) == State::absent));
    // What the VMM refuses is undone, whole.
    auto bad = disk;
    bad.serial = std::string(300, 's');
    bad.logical_block_size = 3;
    BOOST_CHECK_THROW(process->attach_disk(spec, bad, claims, soon()), api::Error);
    BOOST_TEST((process->settle_device("disk0", soon()) == State::absent));
    process->attach_disk(spec, disk, claims, soon());
    BOOST_TEST((process->settle_device("disk0", soon()) == State::present));
    process->kill(soon());
    process->release(soon());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(a_second_daemon_adopts_and_hears_what_it_missed) {
    Scene scene;
    auto spec = test::small_spec("adopted");
    auto process = scene.launch(spec);
    process->resume(soon());
    BOOST_REQUIRE(scene.events.wait(Kind::running));
    const auto record = process->record();
    const auto vmm = process->status(soon()).vmm;
    process.reset();
    scene.host.reset(); // the first daemon is gone
    const auto second = vmm::make_host(test::options_in(scene.folder));
    auto adopted = second->adopt(*spec.uuid, record, 1, soon());
    BOOST_REQUIRE(adopted.process);
    BOOST_TEST((adopted.status->vmm == vmm));
    BOOST_TEST((adopted.status->state == api::State::running));
    BOOST_REQUIRE(!adopted.missed.empty());
    BOOST_TEST(adopted.missed.front().seq == 2);
    BOOST_TEST(adopted.missed.back().seq == adopted.status->last_event_seq);

    Events events;
    second->set_event_sink([&](const api::Uuid&, const std::string&,
                               const vmm::KeeperEvent& event) { events.add(event); });
    adopted.process->pause(soon());
    // Newer events wait until the missed ones have been recorded.
    BOOST_TEST(events.all().empty());
    adopted.process->acknowledge(adopted.missed.back().seq);
    BOOST_TEST(events.wait(Kind::paused));
    adopted.process->kill(soon());
    adopted.process->release(soon());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(a_dead_keepers_vmm_is_ended_and_reported) {
    Scene scene;
    const auto process = scene.launch(test::small_spec("lost"));
    const auto vmm = process->status(soon()).vmm;
    posix::PidFd::open(process->record().keeper)->signal(SIGKILL);
    BOOST_TEST(scene.events.wait(Kind::keeper_lost));
    BOOST_TEST(!posix::PidFd::open(*vmm).has_value());
    BOOST_CHECK_THROW(process->pause(soon()), api::Error);
    process->kill(soon());
    process->release(soon());
    BOOST_TEST(scene.host->incarnations().empty());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(a_stopped_vmm_delays_only_its_own_callers) {
    Scene scene;
    const auto stopped = scene.launch(test::small_spec("stopped"), 1);
    const auto other = scene.launch(test::small_spec("other"), 2);
    const auto vmm = posix::PidFd::open(*stopped->status(soon()).vmm);
    vmm->signal(SIGSTOP);
    std::atomic<bool> answered = false;
    std::thread waits([&] {
        try {
            stopped->vcpus(soon());
        } catch (const api::Error& error) {
            BOOST_TEST_MESSAGE(error.what());
        }
        answered = true;
    });
    other->resume(soon());
    other->pause(soon());
    BOOST_CHECK_THROW(stopped->pause(Deadline::after(std::chrono::milliseconds(200))), api::Error);
    BOOST_TEST(!answered);
    vmm->signal(SIGCONT);
    waits.join();
    stopped->kill(soon());
    stopped->release(soon());
    other->kill(soon());
    other->release(soon());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(a_stopped_keeper_does_not_save_its_vmm) {
    Scene scene;
    const auto process = scene.launch(test::small_spec("frozen"));
    const auto vmm = *process->status(soon()).vmm;
    posix::PidFd::open(process->record().keeper)->signal(SIGSTOP);
    process->kill(soon()); // after keeper_grace without an answer
    BOOST_TEST(!posix::PidFd::open(vmm).has_value());
    BOOST_TEST(scene.events.wait(Kind::keeper_lost));
    process->release(soon());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(what_an_unrecorded_launch_left_is_cleaned) {
    Scene scene;
    auto spec = test::small_spec("left");
    auto process = scene.launch(spec);
    const auto record = process->record();
    const auto vmm = *process->status(soon()).vmm;
    process.reset();
    scene.host.reset();
    const auto second = vmm::make_host(test::options_in(scene.folder));
    BOOST_REQUIRE_EQUAL(second->incarnations().size(), 1U);
    second->clean(*spec.uuid, "i1", soon());
    BOOST_TEST(second->incarnations().empty());
    BOOST_TEST(!posix::PidFd::open(vmm).has_value());
    BOOST_TEST(!posix::PidFd::open(record.keeper).has_value());
    second->clean(*spec.uuid, "i1", soon()); // again: nothing to do
    const auto adopted = second->adopt(*spec.uuid, record, 0, soon());
    BOOST_TEST(!adopted.process);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(every_device_kind_is_accepted_by_qemu) {
    Scene scene;
    auto spec = test::small_spec("devices");
    const std::string image = scene.folder / "a,b=c.img";
    std::ofstream(image) << std::string(1 << 20, 'x');
    for (const auto bus : {api::DiskBus::virtio, api::DiskBus::sata}) {
        api::Disk disk;
        disk.path = image;
        disk.shareable = true;
        disk.read_only = bus == api::DiskBus::virtio;
        disk.cache = api::DiskCache::writeback;
        disk.bus = bus;
        disk.serial = "s,e\"r'ial=1";
        spec.devices.disks.push_back(disk);
    }
    api::Disk drive;
    drive.device = api::DiskDevice::cdrom;
    drive.bus = api::DiskBus::sata;
    spec.devices.disks.push_back(drive);
    for (const auto model : {api::NicModel::virtio, api::NicModel::e1000e, api::NicModel::e1000,
                             api::NicModel::rtl8139}) {
        api::Nic nic;
        nic.mac = "52:54:00:00:00:0" + std::to_string(spec.devices.nics.size());
        nic.model = model;
        spec.devices.nics.push_back(nic);
    }
    spec.devices.agent_channel = true;
    spec.devices.graphics = api::VncGraphics{};
    spec.devices.video = api::VideoModel::vga;
    spec.devices.tablet = spec.devices.keyboard = spec.devices.rng = true;
    spec.devices.watchdog = api::Watchdog{};
    spec.genid = api::random_uuid();
    spec.iothreads = 1;
    spec.cpu.maximum = 4;
    spec.cpu.current = 2;
    spec.cpu.topology = api::CpuTopology{2, 1, 2, 1};
    spec.smbios = {{"system", "serial", "a,b=c,file=/etc/passwd"}, {"oemStrings", "", "x,y"}};
    const auto process = scene.launch(spec);
    BOOST_TEST(process->vcpus(soon()).size() == 2U);
    BOOST_TEST(!process->agent_connected(soon()));
    process->inject_nmi(soon());
    process->kill(soon());
    process->release(soon());

    for (const auto machine : {api::Machine::pc, api::Machine::q35}) {
        spec.boot.machine = machine;
        spec.devices.watchdog->model = api::WatchdogModel::i6300esb;
        spec.devices.console->target = api::ConsoleTarget::virtio;
        const auto again = scene.host->launch(
            scene.host->plan({spec, 1, "m" + std::to_string(static_cast<int>(machine)), false}),
            soon());
        again->kill(soon());
        again->release(soon());
    }
}
