// SPDX-License-Identifier: Apache-2.0
//
// What several processors share: whose a page is, who is in its guest, who reads counters; and sets of
// VPs.
#include "tests/standin/hypercall/vp_set.hpp"
#include "tests/standin/lp/shootdown.hpp"
#include "tests/standin/memory/page_set.hpp"
#include "tests/standin/stats/stats_page.hpp"

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

namespace mshv::standin {

BOOST_AUTO_TEST_SUITE(standin_sharing)

BOOST_AUTO_TEST_CASE(a_page_is_given_once_and_comes_back_once) {
    std::array<u64, 2> words{};
    PageSet set;
    set.set_storage(words);
    set.add_range(0x1001, 0x4FFF); // whole pages alone
    BOOST_TEST(!set.contains(0x1000));
    BOOST_TEST((set.contains(0x2000) && set.contains(0x3FFF)));
    BOOST_TEST(!set.contains(0x4000));
    BOOST_TEST(set.remove(0x2000));
    BOOST_TEST(!set.remove(0x2000));
    BOOST_TEST(!set.contains(0x2000));
    BOOST_TEST(set.add(0x2000));
    BOOST_TEST(!set.add(0x2000));
    BOOST_TEST(!set.remove(0x3008));
    BOOST_TEST(set.add(127 * page_size));
    BOOST_TEST(!set.add(128 * page_size));
    BOOST_TEST(!set.remove(1ULL << 51));
    BOOST_TEST(!set.contains(1ULL << 51));
}

BOOST_AUTO_TEST_CASE(a_processor_flushes_what_is_older_than_the_clock) {
    TranslationClock clock;
    GuestPresence lp;
    BOOST_TEST(lp.enter(clock)); // whatever it remembers
    BOOST_TEST(!lp.is_behind(clock.now()));
    const u64 moment = clock.advance();
    BOOST_TEST(lp.is_behind(moment));
    lp.leave();
    BOOST_TEST(!lp.is_behind(moment));
    BOOST_TEST(lp.enter(clock));
    BOOST_TEST(!lp.is_behind(moment));
    lp.leave();
    BOOST_TEST(!lp.enter(clock));
}

BOOST_AUTO_TEST_CASE(a_clock_that_advances_meanwhile_is_looked_at_again) {
    struct Advancing {
        mutable u64 time = 4;
        u64 now() const { return time < 7 ? ++time : time; }
    };
    GuestPresence lp;
    BOOST_TEST(lp.enter(Advancing{}));
    BOOST_TEST(!lp.is_behind(7));
    BOOST_TEST(lp.is_behind(8));
}

BOOST_AUTO_TEST_CASE(nobody_is_left_in_a_guest_with_what_was_taken_away) {
    constexpr u64 rounds = 100'000;
    TranslationClock clock;
    GuestPresence lp;
    std::atomic<u64> table = 0;
    std::atomic<u64> taken_away = 0; // the tables before this one
    std::atomic<bool> ends = false;
    std::atomic<bool> stale = false;
    std::thread processor([&] {
        u64 remembered = 0;
        for (u64 round = 0; round < rounds; ++round) {
            if (lp.enter(clock)) {
                remembered = table;
            }
            for (int i = 0; i < 8; ++i) {
                stale = stale || remembered < taken_away;
            }
            lp.leave();
            if (round % 64 == 0) {
                std::this_thread::yield(); // there may be one processor alone
            }
        }
        ends = true;
    });
    for (u64 i = 1; !ends; ++i) {
        table = i;
        const u64 moment = clock.advance();
        while (lp.is_behind(moment)) {
            std::this_thread::yield();
        }
        taken_away = i;
    }
    processor.join();
    BOOST_TEST(!stale);
}

BOOST_AUTO_TEST_CASE(counters_are_written_while_somebody_can_read_them) {
    std::array<u64, 512> page{};
    StatsPage stats;
    const auto count = [&stats] { stats.publish([](u64* to) { ++to[1]; }); };
    u64* freed = nullptr;
    count();
    BOOST_TEST((stats.unmap(freed) == StatsPage::Unmapped::no));
    BOOST_TEST((stats.map([]() -> u64* { return nullptr; }) == nullptr));
    BOOST_TEST((stats.unmap(freed) == StatsPage::Unmapped::no));
    BOOST_TEST((stats.map([&page] { return page.data(); }) == page.data()));
    BOOST_TEST((stats.map([]() -> u64* { return nullptr; }) == page.data()));
    count();
    BOOST_TEST((stats.unmap(freed) == StatsPage::Unmapped::not_yet));
    count();
    BOOST_TEST((stats.unmap(freed) == StatsPage::Unmapped::page));
    BOOST_TEST((freed == page.data()));
    count();
    BOOST_TEST(page[1] == 2U);
}

BOOST_AUTO_TEST_CASE(nobody_writes_a_page_that_is_given_back) {
    std::array<u64, 512> page{};
    StatsPage stats;
    std::atomic<bool> ends = false;
    std::thread counting([&] {
        while (!ends) {
            stats.publish([](u64* to) { ++to[1]; });
        }
    });
    for (int i = 0; i < 2'000; ++i) {
        (void)stats.map([&page] { return page.data(); });
        u64* freed = nullptr;
        (void)stats.unmap(freed);
        freed[1] = 0; // its owner's again: TSan sees anybody else
    }
    ends = true;
    counting.join();
    BOOST_TEST(page[1] == 0U);
}

BOOST_AUTO_TEST_CASE(sets_of_vps) {
    using namespace hypercall;
    const u8 banks[16] = {0x81, 0, 0, 0, 0, 0, 0, 0x80, 0xFF};
    u64 vps = 0;
    BOOST_TEST(first_vps(sparse_set, 3, banks, 2, vps));
    BOOST_TEST(vps == 0x8000000000000081U);
    BOOST_TEST(first_vps(sparse_set, 2, banks, 1, vps));
    BOOST_TEST(vps == 0U); // none of the first 64
    BOOST_TEST(!first_vps(sparse_set, 3, banks, 1, vps));
    BOOST_TEST(first_vps(sparse_set, 0, banks, 0, vps));
    BOOST_TEST(first_vps(set_of_all, 0, banks, 0, vps));
    BOOST_TEST(vps == ~0ULL);
    BOOST_TEST(!first_vps(2, 0, banks, 0, vps));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin
