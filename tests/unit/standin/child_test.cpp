// SPDX-License-Identifier: Apache-2.0
//
// Those parts of a child that need no machine: its time, what CPUID is told to answer, doorbells,
// the tables of its memory.
#include "tests/standin/child/cpuid_results.hpp"
#include "tests/standin/child/partition_time.hpp"
#include "tests/standin/child/partition_tsc.hpp"
#include "tests/standin/memory/nested_table.hpp"
#include "tests/standin/port/connections.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <vector>

namespace mshv::standin {
namespace {

struct Page {
    alignas(page_size) u8 bytes[page_size] = {};
};

/// Pages that are counted: those that are out are in use.
struct Pool {
    std::vector<std::unique_ptr<Page>> all;
    std::size_t most = 100;
    std::size_t out = 0;

    void* take() {
        if (out == most) {
            return nullptr;
        }
        ++out;
        all.push_back(std::make_unique<Page>());
        return all.back().get();
    }
    static void* take_one(void* pool) { return static_cast<Pool*>(pool)->take(); }
    static void put_one(void* pool, void*) { --static_cast<Pool*>(pool)->out; }
    NestedTable::Pages pages() { return {take_one, put_one, this}; }
};

} // namespace

BOOST_AUTO_TEST_SUITE(standin_child)

BOOST_AUTO_TEST_CASE(time_stands_and_goes_on) {
    PartitionTime time(1000);
    BOOST_TEST(time.at(1500) == 500U);
    BOOST_TEST(!time.set(7));
    time.freeze(1500);
    BOOST_TEST(time.at(9000) == 500U);
    BOOST_TEST(time.set(600));
    time.go_on(10000);
    BOOST_TEST(time.at(10001) == 601U);
    BOOST_TEST(time.machine_time(700) == 10100U);
    time.go_on(20000); // it goes already
    BOOST_TEST(time.at(10001) == 601U);
}

BOOST_AUTO_TEST_CASE(counters_that_are_set_one_after_the_other_are_set_at_once) {
    constexpr u64 rate = 1'000'000'000;
    PartitionTsc tsc;
    const u64 first = tsc.set(0, 5 * rate, rate);
    BOOST_TEST(first == 0 - 5 * rate);
    BOOST_TEST(tsc.set(0, 5 * rate + 1'000'000, rate) == first);
    BOOST_TEST(tsc.set(0, 6 * rate - 1, rate) == first);
    BOOST_TEST(tsc.set(rate / 2, 5 * rate, rate) == first); // ahead
    // What is farther away is meant to be, and the next one keeps to it.
    tsc.on_run();
    BOOST_TEST(tsc.set(9, 6 * rate + 9, rate) == 0 - 6 * rate);
    BOOST_TEST(tsc.set(77 * rate, 7 * rate, rate) == 70 * rate);
    BOOST_TEST(tsc.set(77 * rate, 7 * rate + 9, rate) == 70 * rate);
}

BOOST_AUTO_TEST_CASE(counters_that_are_set_to_the_same_before_any_runs_are_one) {
    constexpr u64 rate = 1'000'000'000;
    PartitionTsc tsc;
    const u64 first = tsc.set(0, 5 * rate, rate);
    BOOST_TEST(tsc.set(0, 7 * rate, rate) == first); // the parent is slow
    BOOST_TEST(tsc.set(9, 90 * rate, rate) == first);
    tsc.on_run();
    // Once they have run, a parent that sets one back means it; and the others then.
    BOOST_TEST(tsc.set(5, 91 * rate + 5, rate) == 0 - 91 * rate);
    BOOST_TEST(tsc.set(5, 95 * rate, rate) == 0 - 91 * rate);
    // Something else is something else.
    BOOST_TEST(tsc.set(50 * rate, 95 * rate, rate) == 0 - 45 * rate);
}

BOOST_AUTO_TEST_CASE(a_counter_that_begins_begins_with_those_that_have_begun) {
    constexpr u64 rate = 1'000'000'000;
    PartitionTsc tsc;
    const u64 first = tsc.set(0, 5 * rate, rate);
    tsc.on_run();
    BOOST_TEST(tsc.set(0, 9 * rate, rate) == first); // the first VP runs already
    tsc.on_run();
    BOOST_TEST(tsc.set(0, 30 * rate, rate) == first);
}

BOOST_AUTO_TEST_CASE(the_first_counter_that_is_set_is_what_it_was_set_to) {
    PartitionTsc tsc;
    BOOST_TEST(tsc.set(12, 10, 1000) == 2U);
}

BOOST_AUTO_TEST_CASE(registered_cpuid_results) {
    CpuidResults results;
    Page first;
    Page second;
    BOOST_TEST(results.is_full());
    results.give(&first);
    results.add({CpuidResults::every_vp, 7, 0, false, {1, 2, 3, 4}, {0xF, 0, 0xFF, 0}});
    CpuidValues values{0xA0, 0xB0, 0xC00, 0xD0};
    results.apply(0, 7, 0, values);
    BOOST_TEST(
        (values.eax == 0xA1 && values.ebx == 0xB0 && values.ecx == 0xC03 && values.edx == 0xD0));
    CpuidValues others{};
    results.apply(0, 7, 1, others);
    results.apply(0, 8, 0, others);
    BOOST_TEST(others.eax == 0U);
    // The same leaf again takes the place of the first; another VP's does not.
    results.add({CpuidResults::every_vp, 7, 0, false, {2, 0, 0, 0}, {0xF, 0, 0, 0}});
    results.add({3, 7, 0, true, {0, 5, 0, 0}, {0, 0xF, 0, 0}});
    values = {};
    results.apply(3, 7, 0, values);
    BOOST_TEST((values.eax == 2 && values.ebx == 5 && values.ecx == 0));
    u32 leaf = 100;
    while (!results.is_full()) {
        results.add({0, leaf++, 0, true, {9, 0, 0, 0}, {0xF, 0, 0, 0}});
    }
    results.give(&second);
    results.add({0, leaf, 0, true, {8, 0, 0, 0}, {0xF, 0, 0, 0}});
    values = {};
    results.apply(0, leaf, 5, values);
    BOOST_TEST(values.eax == 8U);
    BOOST_TEST(results.take_page() == &first);
    BOOST_TEST(results.take_page() == &second);
    BOOST_TEST(results.take_page() == nullptr);
}

BOOST_AUTO_TEST_CASE(doorbells) {
    Connections connections;
    Page page;
    const Doorbell bell{1, 11, 0x1000, 7, 3}; // four bytes of 7
    BOOST_TEST((connections.add(bell) == Connections::Added::no_room));
    connections.give(&page);
    BOOST_TEST((connections.add(bell) == Connections::Added::yes));
    BOOST_TEST((connections.add(bell) == Connections::Added::exists));
    BOOST_TEST(connections.covers(0x1000));
    BOOST_TEST(!connections.covers(0x1004));
    BOOST_TEST(connections.find(0x1000, 4, 7) == 11U);
    BOOST_TEST(connections.find(0x1000, 4, 8) == 0U);
    BOOST_TEST(connections.find(0x1000, 2, 7) == 0U);
    BOOST_TEST(
        (connections.add({2, 12, 0x2000, 0, Doorbell::any_value}) == Connections::Added::yes));
    BOOST_TEST(connections.find(0x2000, 1, 99) == 12U);
    BOOST_TEST(connections.remove(1));
    BOOST_TEST(!connections.remove(1));
    BOOST_TEST(connections.find(0x1000, 4, 7) == 0U);
    connections.clear();
    BOOST_TEST(!connections.covers(0x2000));
    BOOST_TEST(connections.take_page() == &page);
}

BOOST_AUTO_TEST_CASE(pages_that_exist_and_nobody_may_touch) {
    Pool pool;
    NestedTable table(pool.pages());
    BOOST_TEST(table.reserve(0x5000, page_size));
    BOOST_TEST(!table.find(0x5000).present);
    BOOST_TEST(table.find(0x5000).reserved);
    BOOST_TEST(!table.find(0x6000).reserved);
    BOOST_TEST(table.map(0x5000, 0x1000, page_size, Rights{}));
    BOOST_TEST(table.find(0x5000).present);
    BOOST_TEST(table.clear(0x5000, page_size));
    BOOST_TEST(!table.find(0x5000).present);
    // A large one that is split keeps what it was.
    BOOST_TEST(table.reserve(large_page_size, large_page_size));
    BOOST_TEST(table.map(large_page_size + page_size, 0x1000, page_size, Rights{}));
    BOOST_TEST(table.find(large_page_size).reserved);
    BOOST_TEST(table.find(large_page_size + page_size).present);
    table.put_all();
    BOOST_TEST(pool.out == 0U);
}

BOOST_AUTO_TEST_CASE(large_pages_take_the_place_of_tables) {
    Pool pool;
    NestedTable table(pool.pages());
    BOOST_TEST(table.reserve(0x5000, page_size));
    const std::size_t before = pool.out;
    BOOST_TEST(table.map(0, 8 * large_page_size, large_page_size, Rights{}));
    BOOST_TEST(table.has_replaced());
    BOOST_TEST(table.find(0x5000).address == 8 * large_page_size + 0x5000);
    table.put_replaced();
    BOOST_TEST(pool.out == before - 1);
    BOOST_TEST(table.clear(0, large_page_size));
    BOOST_TEST(!table.find(0x5000).present);
    BOOST_TEST(table.clear(64 * large_page_size, large_page_size)); // nothing is there
    table.put_all();
    BOOST_TEST(pool.out == 0U);
}

BOOST_AUTO_TEST_CASE(no_page_for_a_table) {
    Pool pool;
    pool.most = 2;
    NestedTable table(pool.pages());
    BOOST_TEST(!table.reserve(0x5000, page_size));
    BOOST_TEST(table.clear(0x5000, page_size)); // needs none
    table.put_all();
    BOOST_TEST(pool.out == 0U);
}

BOOST_AUTO_TEST_CASE(accesses_are_noted) {
    Pool pool;
    NestedTable table(pool.pages());
    BOOST_TEST(table.map(0x3000, 0x1000, page_size, Rights{}));
    NestedTable::Noted noted = table.note(0x3000, {});
    BOOST_TEST((!noted.accessed && !noted.dirty));
    (void)table.note(0x3000, {false, true, false, true});
    noted = table.note(0x3000, {true, false, false, false});
    BOOST_TEST((noted.accessed && noted.dirty));
    noted = table.note(0x3000, {});
    BOOST_TEST((!noted.accessed && noted.dirty));
    BOOST_TEST(!table.note(0x9000, {}).dirty);
    table.put_all();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin
