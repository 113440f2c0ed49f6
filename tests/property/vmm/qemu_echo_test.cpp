// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/json_value.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "tests/property/vmm/hostile.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

// The same question put to QEMU itself: what does it think that it was told?

namespace {

using namespace mshv;
using posix::Deadline;
using vmm::qemu::JsonValue;

constexpr const char* program = "/usr/bin/qemu-system-x86_64";

boost::test_tools::assertion_result qemu_there(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(::access(program, X_OK) == 0);
    result.message() << "needs qemu-system-x86_64";
    return result;
}

/// A QEMU started with a plan's argv, asked over QMP.
class Qemu {
public:
    Qemu(const domain::LaunchPlan& plan, const std::vector<posix::Fd>& files) {
        auto [ours, theirs] = posix::socket_pair(SOCK_STREAM);
        socket_ = std::move(ours);
        posix::Command command;
        command.program = plan.program;
        command.argv = plan.argv;
        for (auto& argument : command.argv) {
            if (argument == "socket,id=mon0,fd=3,server=on,wait=off") {
                argument = "socket,id=mon0,fd=3";
            }
        }
        command.env = plan.env;
        command.fds = {{theirs.get(), plan.monitor_target}, {2, 2}};
        for (std::size_t i = 0; i < files.size(); ++i) {
            command.fds.push_back({files[i].get(), plan.files[i].target});
        }
        child_ = posix::spawn(command);
        theirs.reset();
        (void)line(); // the greeting
        (void)ask(vmm::qemu::qmp_command("qmp_capabilities"));
    }
    Qemu(const Qemu&) = delete;
    Qemu& operator=(const Qemu&) = delete;
    ~Qemu() {
        child_.pidfd.signal(SIGKILL);
        child_.pidfd.wait_ended(Deadline::after(std::chrono::seconds(10)));
        (void)child_.pidfd.reap();
    }

    /// The value of "return".
    JsonValue ask(const std::string& command) {
        posix::write_all(socket_.get(), command + "\n", soon(), "QMP");
        for (;;) {
            const auto answer = JsonValue::parse(line());
            BOOST_REQUIRE(answer.has_value());
            if (answer->find("event") == nullptr) {
                BOOST_REQUIRE(answer->find("return") != nullptr);
                return *answer->find("return");
            }
        }
    }

private:
    static Deadline soon() { return Deadline::after(std::chrono::seconds(20)); }
    std::string line() {
        for (;;) {
            const auto end = pending_.find('\n');
            if (end != std::string::npos) {
                std::string text = pending_.substr(0, end);
                pending_.erase(0, end + 1);
                return text;
            }
            std::array<char, 4096> buffer{};
            const auto got = posix::read_some(socket_.get(), buffer, soon(), "QMP");
            BOOST_REQUIRE_MESSAGE(got != 0, "QEMU ended");
            pending_.append(buffer.data(), got);
        }
    }

    posix::Fd socket_;
    posix::Child child_;
    std::string pending_;
};

std::string qom_get(Qemu& qemu, const std::string& path, const std::string& property) {
    const auto answer = qemu.ask(vmm::qemu::qmp_command(
        "qom-get", R"({"path":")" + path + R"(","property":")" + property + "\"}"));
    return answer.text().value_or("not a text");
}

vmm::qemu::PlanInput plain_input() {
    vmm::qemu::PlanInput input;
    input.spec.uuid = api::random_uuid();
    input.spec.memory.size = 64UL << 20U;
    input.spec.name = "a.b_c+d-e";
    input.incarnation = "i1";
    input.program = program;
    input.version = {7, 2, 0};
    input.accelerator = {api::Accelerator::tcg, "test"};
    input.folders = {"/run/mshv", "/var/log/mshv", "/var/lib/mshv"};
    return input;
}

} // namespace

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(qemu_repeats_names_and_serials_byte_for_byte) {
    std::string folder = "/tmp/mshv-echo-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const std::vector<std::string> serials{"a,b=c,file=/x", "q\"uo\\te",       "{}[]'`$(id)",
                                           "-device",       "é字,snapshot=on", "json:{\"a\":1}"};
    auto input = plain_input();
    std::vector<posix::Fd> files;
    for (std::size_t i = 0; i < serials.size(); ++i) {
        api::Disk disk;
        disk.path = folder + "/d,file=x" + std::to_string(i);
        disk.serial = serials[i];
        disk.cache = api::DiskCache::writeback;
        input.spec.devices.disks.push_back(disk);
        files.push_back(posix::open_file(disk.path, O_RDWR | O_CREAT));
        BOOST_REQUIRE_EQUAL(::ftruncate(files.back().get(), 1 << 20), 0);
    }
    input.spec.cpu.maximum = 1;
    Qemu qemu(vmm::qemu::make_plan(input), files);
    BOOST_TEST(vmm::qemu::text_at(qemu.ask(vmm::qemu::qmp_command("query-name")), {"name"}) ==
               input.spec.name);
    BOOST_TEST(vmm::qemu::text_at(qemu.ask(vmm::qemu::qmp_command("query-uuid")), {"UUID"}) ==
               api::to_string(*input.spec.uuid));
    for (std::size_t i = 0; i < serials.size(); ++i) {
        const std::string path = "/machine/peripheral/disk" + std::to_string(i);
        BOOST_TEST(qom_get(qemu, path, "serial") == serials[i]);
    }
    const auto nodes = qemu.ask(vmm::qemu::qmp_command("query-named-block-nodes"));
    std::size_t found = 0;
    for (const auto& node : nodes.items()) {
        const std::string file = vmm::qemu::text_at(node, {"file"});
        BOOST_TEST(file.starts_with("/dev/fdset/"));
        BOOST_TEST((node.find("backing_file") == nullptr));
        ++found;
    }
    BOOST_TEST(found == 2 * serials.size());
    posix::remove_tree(folder);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(qemu_starts_or_refuses_but_never_opens_what_it_was_not_given) {
    // Serials of hostile text, as they come: QEMU's own idea of them is compared.
    std::string folder = "/tmp/mshv-echo-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(folder.data()) != nullptr);
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        test::Hostile hostile(seed);
        auto input = plain_input();
        api::Disk disk;
        disk.path = folder + "/disk";
        disk.cache = api::DiskCache::writeback;
        std::vector<posix::Fd> files;
        std::vector<std::string> wanted;
        for (int i = 0; i < 6; ++i) {
            disk.serial = hostile.text(20).substr(0, 20);
            try {
                auto one = input;
                one.spec.devices.disks = {disk};
                (void)vmm::qemu::make_plan(one);
            } catch (const api::Error&) {
                continue; // not UTF-8
            }
            disk.path = folder + "/disk" + std::to_string(i);
            files.push_back(posix::open_file(disk.path, O_RDWR | O_CREAT));
            BOOST_REQUIRE_EQUAL(::ftruncate(files.back().get(), 1 << 20), 0);
            input.spec.devices.disks.push_back(disk);
            wanted.push_back(disk.serial);
        }
        Qemu qemu(vmm::qemu::make_plan(input), files);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (!wanted[i].empty()) {
                BOOST_TEST(qom_get(qemu, "/machine/peripheral/disk" + std::to_string(i),
                                   "serial") == wanted[i]);
            }
        }
    }
    posix::remove_tree(folder);
}
