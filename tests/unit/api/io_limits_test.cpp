// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/io_limits.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv::api;

/// The elements at fault, by blanks.
std::string faulty(const IoTune& tune) {
    std::string text;
    for (const auto& fault : faults_of(tune)) {
        text += (text.empty() ? "" : " ") + fault.element;
    }
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(io_limits_of_disks)

BOOST_AUTO_TEST_CASE(a_total_excludes_single_directions_of_its_kind) {
    IoTune tune;
    tune.total_bytes = IoLimit{1000, 0, 0};
    tune.read_iops = IoLimit{5, 0, 0};
    tune.write_iops = IoLimit{5, 0, 0};
    BOOST_TEST(faulty(tune).empty());
    tune.total_iops = IoLimit{5, 0, 0};
    BOOST_TEST(faulty(tune) == "read_iops_sec write_iops_sec");
    tune.total_iops = IoLimit{}; // none
    BOOST_TEST(faulty(tune).empty());
}

BOOST_AUTO_TEST_CASE(a_burst_goes_with_a_rate) {
    const auto with = [](IoLimit limit) {
        IoTune tune;
        tune.read_bytes = limit;
        return faulty(tune);
    };
    BOOST_TEST(with({10, 10, 5}).empty());
    BOOST_TEST(with({0, 10, 0}) == "read_bytes_sec_max");
    BOOST_TEST(with({10, 9, 0}) == "read_bytes_sec_max");
    BOOST_TEST(with({10, 0, 5}) == "read_bytes_sec_max_length");
    BOOST_TEST(with({most_io, 0, 0}).empty());
    BOOST_TEST(with({most_io + 1, 0, 0}) == "read_bytes_sec");
    BOOST_TEST(with({10, most_io, 2}) == "read_bytes_sec"); // more than is counted in its time
}

BOOST_AUTO_TEST_CASE(nothing_is_none) {
    std::optional<IoTune> tune(std::in_place);
    tune->total_iops = IoLimit{};
    BOOST_TEST(limits_text(tune).empty());
    normalise(tune);
    BOOST_TEST(!tune.has_value());
    tune.emplace().total_iops = IoLimit{7, 9, 0};
    tune->write_iops = IoLimit{};
    normalise(tune);
    BOOST_TEST(!tune->write_iops.has_value());
    BOOST_TEST(limits_text(tune) == "total_iops_sec=7 total_iops_sec_max=9");
}

BOOST_AUTO_TEST_SUITE_END()
