// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/capabilities.hpp"
#include "daemon/vmm/qemu/probe.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace mshv;
using vmm::qemu::BinaryKey;
using vmm::qemu::Capabilities;
using vmm::qemu::Version;

constexpr const char* qemu = "/usr/bin/qemu-system-x86_64";

boost::test_tools::assertion_result qemu_there(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(::access(qemu, X_OK) == 0);
    result.message() << "needs qemu-system-x86_64";
    return result;
}

posix::Deadline soon() {
    return posix::Deadline::after(std::chrono::seconds(20));
}

Capabilities sample() {
    Capabilities found;
    found.program = "/usr/bin/vmm";
    found.version = {7, 2, 22};
    found.accelerators = {"tcg", "kvm"};
    found.machines = {"q35", "pc-q35-7.2"};
    found.devices = {"virtio-blk-pci"};
    found.cpu_models = {"max"};
    found.commands = {"query-status"};
    return found;
}

BinaryKey key() {
    return {"/usr/bin/vmm", 1, 2, 3, 4, 5};
}

} // namespace

BOOST_AUTO_TEST_CASE(versions_are_read_and_ordered) {
    BOOST_TEST((Version::parse("7.2.22") == Version{7, 2, 22}));
    BOOST_TEST((Version::parse("10.2") == Version{10, 2, 0}));
    BOOST_TEST((Version::parse("11") == Version{11, 0, 0}));
    for (const char* bad : {"", ".", "7.", "7..2", "-7", "7.2.22.1", "7.2a", "99999999999", " 7"}) {
        BOOST_TEST(!Version::parse(bad).has_value(), bad);
    }
    BOOST_TEST((Version{7, 2, 22} < Version{10, 2, 0}));
}

BOOST_AUTO_TEST_CASE(the_cache_gives_back_what_was_put_in) {
    const std::string text = to_cache_text(key(), sample());
    BOOST_TEST((from_cache_text(key(), text) == sample()));
}

BOOST_AUTO_TEST_CASE(another_binary_is_asked_anew) {
    const std::string text = to_cache_text(key(), sample());
    auto replaced = key();
    replaced.inode = 9;
    BOOST_TEST(!from_cache_text(replaced, text).has_value());
}

BOOST_AUTO_TEST_CASE(a_damaged_cache_is_not_believed) {
    const std::string text = to_cache_text(key(), sample());
    for (std::size_t size = 0; size < text.size(); ++size) {
        BOOST_TEST(!from_cache_text(key(), text.substr(0, size)).has_value());
    }
    BOOST_TEST(!from_cache_text(key(), text + "device more\n").has_value());
    std::string other = text;
    other.replace(other.find("device"), 6, "gadget");
    BOOST_TEST(!from_cache_text(key(), other).has_value());
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(the_installed_qemu_says_what_it_can_do) {
    const auto found = vmm::qemu::probe(qemu, soon());
    BOOST_TEST((found.version >= Version{7, 2, 0}));
    BOOST_TEST(found.accelerators.contains("tcg"));
    BOOST_TEST(found.machines.contains("q35"));
    BOOST_TEST(found.has_device("virtio-blk-pci"));
    BOOST_TEST(found.cpu_models.contains("max"));
    BOOST_TEST(found.commands.contains("query-cpus-fast"));
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(qemu_there))
BOOST_AUTO_TEST_CASE(a_second_daemon_need_not_probe) {
    std::string folder = "/tmp/mshv-caps-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(folder.data()) != nullptr);
    Capabilities first;
    {
        vmm::qemu::CapabilityCache cache(folder);
        first = *cache.get(qemu, soon());
    }
    vmm::qemu::CapabilityCache cache(folder);
    // A deadline that has passed: a probe would throw.
    const auto second = cache.get(qemu, posix::Deadline::after(std::chrono::milliseconds(-1)));
    BOOST_TEST((first == *second));
    posix::remove_tree(folder);
}

BOOST_AUTO_TEST_CASE(what_is_no_qemu_is_reported) {
    BOOST_CHECK_THROW(vmm::qemu::probe("/no/such/program", soon()), api::Error);
    BOOST_CHECK_THROW(vmm::qemu::probe("/bin/true", soon()), api::Error);
    // It never answers: the deadline ends it.
    const std::string script = "/tmp/mshv-mute-" + std::to_string(::getpid());
    std::ofstream(script) << "#!/bin/sh\nexec cat <&3\n";
    ::chmod(script.c_str(), 0755);
    try {
        (void)vmm::qemu::probe(script, posix::Deadline::after(std::chrono::milliseconds(300)));
        BOOST_FAIL("answered");
    } catch (const api::Error& error) {
        BOOST_TEST((error.code() == api::ErrorCode::timeout));
    }
    ::unlink(script.c_str());
}
