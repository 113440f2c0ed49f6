// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/hostprobe/topology.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

namespace {

using namespace mshv::hostprobe; // NOLINT: a test of that namespace
namespace fs = std::filesystem;

/// A folder of Linux's, of another machine.
class Devices {
public:
    Devices& file(const std::string& name, std::string_view text) {
        const fs::path whole = folder_ / name;
        fs::create_directories(whole.parent_path());
        std::ofstream(whole) << text;
        return *this;
    }
    Devices& cpu(unsigned number, unsigned core, unsigned socket, unsigned node) {
        const std::string folder = "cpu/cpu" + std::to_string(number);
        file(folder + "/topology/core_id", std::to_string(core) + "\n");
        file(folder + "/topology/physical_package_id", std::to_string(socket) + "\n");
        fs::create_directories(folder_ / (folder + "/node" + std::to_string(node)));
        return *this;
    }
    [[nodiscard]] std::string path() const { return folder_ / ""; }

private:
    mshv::posix::test::TemporaryFolder folder_;
};

} // namespace

BOOST_AUTO_TEST_CASE(two_sockets_with_threads_and_a_processor_offline) {
    Devices devices;
    devices.cpu(0, 0, 0, 0).cpu(1, 4, 0, 0).cpu(10, 0, 0, 0).cpu(2, 0, 1, 1);
    devices.file("cpu/cpu3/online", "0\n").file("cpu/cpufreq/x", "").file("cpu/online", "0-2,10\n");
    devices.file("node/node0/meminfo", "Node 0 MemTotal:  2048 kB\nNode 0 MemFree:   1024 kB\n");
    devices.file("node/node0/distance", "10 21\n").file("node/node1/distance", "21 10\n");
    devices.file("node/possible", "0-1\n");
    const auto topology = read_topology(devices.path());
    BOOST_REQUIRE(topology.processors.size() == 4U);
    BOOST_TEST(topology.processors[1].cpu == 1U);
    BOOST_TEST(topology.processors[1].core == 4U);
    BOOST_TEST(topology.processors[2].socket == 1U);
    BOOST_TEST(topology.processors[2].node.value() == 1U);
    BOOST_TEST(topology.processors[3].cpu == 10U);
    BOOST_TEST(topology.threads_per_core == 2U);
    BOOST_TEST(topology.cores_per_socket == 2U);
    BOOST_REQUIRE(topology.nodes.size() == 2U);
    BOOST_TEST(topology.nodes[0].memory_total == 2U << 20U);
    BOOST_TEST(topology.nodes[0].memory_free == 1U << 20U);
    BOOST_TEST(topology.nodes[1].memory_total == 0U);
    BOOST_TEST(topology.nodes[1].distances == (std::vector<unsigned>{21, 10}));
}

BOOST_AUTO_TEST_CASE(a_kernel_that_tells_nothing) {
    const auto topology = read_topology("/nonexistent");
    BOOST_TEST(topology.processors.empty());
    BOOST_TEST(topology.nodes.empty());
    BOOST_TEST(topology.cores_per_socket == 1U);
}

BOOST_AUTO_TEST_CASE(this_machine) {
    const auto topology = read_topology();
    BOOST_TEST(!topology.processors.empty());
    for (const auto& node : topology.nodes) {
        BOOST_TEST(node.distances.size() == topology.nodes.size());
        BOOST_TEST(node.memory_total >= node.memory_free);
    }
}
