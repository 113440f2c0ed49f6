// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/top/columns.hpp"
#include "toolstack/mshvctl/top/rates.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::ctl {
namespace {

using namespace std::chrono_literals;

api::PartitionView view_of(api::PartitionNumber id, std::int64_t cpu_ms, std::int64_t age_ms) {
    api::PartitionView view;
    view.id = id;
    view.uuid.data[0] = static_cast<std::uint8_t>(id);
    view.name = "guest" + std::to_string(id);
    view.state = api::State::running;
    view.memory = 512L << 20;
    view.vcpus = 2;
    auto& run = view.runtime.emplace();
    run.incarnation = "7";
    run.rss = 300L << 20;
    run.cpu_time_ms = cpu_ms;
    run.waiting_ms = cpu_ms / 10;
    run.storage_read = cpu_ms * 1024;
    run.sample_age_ms = age_ms;
    return view;
}

class Looks {
public:
    Usage at(std::chrono::milliseconds time, api::PartitionView view) {
        return rates_.look({std::move(view)}, begin_ + time).at(0);
    }

private:
    Rates rates_;
    Rates::Clock::time_point begin_ = Rates::Clock::now();
};

void check_near(const std::optional<double>& rate, double wanted) {
    BOOST_REQUIRE(rate.has_value());
    BOOST_TEST(*rate == wanted, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_SUITE(top)

BOOST_AUTO_TEST_CASE(a_rate_is_between_samples_not_between_looks) {
    Looks looks;
    BOOST_TEST(!looks.at(0s, view_of(1, 1000, 500)).cpu.has_value());
    // 3 seconds later, of a sample that is 2 seconds younger than the first.
    const auto second = looks.at(3s, view_of(1, 2000, 1500));
    check_near(second.cpu, 50);
    check_near(second.waiting, 5);
    check_near(second.storage_read, 1000 * 1024 / 2.0);
    BOOST_TEST(!second.exits.has_value());
    BOOST_TEST(!second.network_sent.has_value());
}

BOOST_AUTO_TEST_CASE(the_same_sample_twice_keeps_its_rate) {
    Looks looks;
    looks.at(0s, view_of(1, 1000, 0));
    looks.at(2s, view_of(1, 2000, 0));
    check_near(looks.at(2500ms, view_of(1, 2000, 520)).cpu, 50);
    check_near(looks.at(4s, view_of(1, 2200, 0)).cpu, 10);
}

BOOST_AUTO_TEST_CASE(another_run_begins_anew) {
    Looks looks;
    looks.at(0s, view_of(1, 1000, 0));
    auto next = view_of(1, 3000, 0);
    next.runtime->generation = 2;
    BOOST_TEST(!looks.at(2s, next).cpu.has_value());
    next.runtime->cpu_time_ms = 10; // a counter never goes back: this is not the same one
    BOOST_TEST(!looks.at(4s, next).cpu.has_value());
}

BOOST_AUTO_TEST_CASE(what_the_hypervisor_counts_comes_first_and_has_its_own_age) {
    Looks looks;
    auto view = view_of(1, 1000, 0);
    auto& has = view.runtime->hypervisor.emplace();
    has.cpu_time_ms = 100;
    has.intercepts = 1000;
    has.sample_age_ms = 100;
    looks.at(0s, view);
    view.runtime->hypervisor->cpu_time_ms = 200;
    view.runtime->hypervisor->intercepts = 5000;
    view.runtime->hypervisor->sample_age_ms = 1100;
    const auto usage = looks.at(2s, view);
    check_near(usage.cpu, 10);
    check_near(usage.exits, 4000);
    check_near(usage.waiting, 0); // of which only Linux tells
}

BOOST_AUTO_TEST_CASE(a_partition_that_is_off_has_no_rates) {
    Looks looks;
    auto view = view_of(1, 1000, 0);
    view.runtime.reset();
    view.state = api::State::shutoff;
    BOOST_TEST(!looks.at(0s, view).cpu.has_value());
}

BOOST_AUTO_TEST_CASE(rows_are_sorted_by_numbers_unknown_ones_last) {
    std::vector<Usage> usages(3);
    usages[0].view.id = 1;
    usages[1].view.id = 2;
    usages[1].cpu = 5;
    usages[2].view.id = 3;
    usages[2].cpu = 50;
    const auto order = [&](std::string_view by, bool reverse) {
        sort_usages(usages, *find_top_column(by), reverse);
        std::string ids;
        for (const auto& usage : usages) {
            ids += std::to_string(usage.view.id);
        }
        return ids;
    };
    BOOST_TEST(order("cpu", false) == "321");
    BOOST_TEST(order("cpu", true) == "123");
    BOOST_TEST(order("vcpus", false) == "123");
}

BOOST_AUTO_TEST_CASE(the_format_of_xentop_has_its_columns_and_no_dashes) {
    Usage usage;
    usage.view = view_of(3, 12'345, 0);
    usage.disks = 2;
    const auto columns = default_top_columns(TopStyle::xl);
    BOOST_TEST(
        top_header(columns, 10) ==
        "      NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) MAXMEM(%) VCPUS NETS "
        "NETTX(k) NETRX(k) VBDS   VBD_OO   VBD_RD   VBD_WR  VBD_RSECT  VBD_WSECT SSID");
    BOOST_TEST(
        top_row(usage, columns, HostSize{1L << 30}, TopStyle::xl, 10) ==
        "    guest3 -----r         12    0.0     524288   50.0     524288      50.0     2    0 "
        "       0        0    2        0        0        0      24690          0    0");
}

BOOST_AUTO_TEST_CASE(names_are_cut_between_characters_and_escaped) {
    std::vector<Usage> usages(1);
    usages[0].view.name = "b\u00fccherei-am-rand";
    const std::vector<const TopColumn*> columns{find_top_column("name")};
    BOOST_TEST(name_width(usages, false) == 10U);
    BOOST_TEST(top_row(usages[0], columns, {}, TopStyle::ours, 10) == "b\u00fccherei-a");
    const auto full = name_width(usages, true);
    BOOST_TEST(full == 16U);
    BOOST_TEST(top_row(usages[0], columns, {}, TopStyle::ours, full) == usages[0].view.name);
    usages[0].view.name = "a\x1b[2J";
    BOOST_TEST(top_row(usages[0], columns, {}, TopStyle::ours, 20).find('\x1b') ==
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_column_has_a_name_of_its_own_and_each_style_its_columns) {
    for (const auto& column : top_columns()) {
        BOOST_TEST(find_top_column(column.name) == &column);
    }
    for (const auto style : {TopStyle::ours, TopStyle::xl}) {
        for (const auto* column : default_top_columns(style)) {
            BOOST_TEST(column != nullptr);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::ctl
