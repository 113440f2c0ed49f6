// SPDX-License-Identifier: Apache-2.0
//
// The stand-in's timers without a machine: queue, APIC timer, synthetic timer, reference time.
#include "tests/standin/timer/apic_timer.hpp"
#include "tests/standin/timer/reference_time.hpp"
#include "tests/standin/timer/synthetic_timer.hpp"
#include "tests/standin/timer/timer_queue.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

namespace mshv::standin {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr u32 masked = 1U << 16;
constexpr u32 periodic = 1U << 17;
constexpr u32 vector = 0xEC;
constexpr u32 by_one = 0xB;
constexpr u64 gigahertz = 1'000'000'000;

/// Counting nanoseconds, undivided.
ApicTimer counting(u32 lvt, u32 initial, u64 now) {
    ApicTimer timer(gigahertz);
    timer.write_divide(by_one, now);
    timer.write_lvt(lvt, now);
    timer.write_initial(initial, now);
    return timer;
}

constexpr u64 direct_one_shot = stimer::direct | stimer::auto_enable | 0xEDULL << 4;

} // namespace

BOOST_AUTO_TEST_SUITE(standin_timers)

BOOST_AUTO_TEST_CASE(timers_come_in_the_order_of_their_moments) {
    TimerQueue queue;
    Timer a;
    Timer b;
    Timer c;
    BOOST_TEST(queue.first() == never);
    BOOST_TEST(queue.take(never - 1) == nullptr);
    queue.set(a, 30);
    queue.set(b, 10);
    queue.set(c, 30);
    BOOST_TEST(queue.first() == 10U);
    BOOST_TEST(queue.take(9) == nullptr);
    BOOST_TEST(queue.take(30) == &b);
    BOOST_TEST(b.deadline == never);
    BOOST_TEST(queue.take(30) == &a); // of equal ones the first that was set
    queue.set(c, 40);
    BOOST_TEST(queue.take(39) == nullptr);
    queue.set(c, never);
    queue.set(c, never);
    BOOST_TEST(queue.first() == never);
}

BOOST_AUTO_TEST_CASE(a_queue_agrees_with_a_sorted_list) {
    std::mt19937_64 random(1);
    TimerQueue queue;
    std::vector<Timer> timers(12);
    std::vector<u64> model(timers.size(), never);
    for (int step = 0; step < 20'000; ++step) {
        const std::size_t which = random() % timers.size();
        const u64 moment = random() % 4 == 0 ? never : random() % 50;
        queue.set(timers[which], moment);
        model[which] = moment;
        if (random() % 3 == 0) {
            const u64 now = random() % 50;
            const u64 earliest = *std::min_element(model.begin(), model.end());
            Timer* const taken = queue.take(now);
            BOOST_REQUIRE((taken != nullptr) == (earliest <= now));
            if (taken != nullptr) {
                const auto index = static_cast<std::size_t>(taken - timers.data());
                BOOST_REQUIRE(model[index] == earliest);
                model[index] = never;
            }
        }
        BOOST_REQUIRE(queue.first() == *std::min_element(model.begin(), model.end()));
    }
}

BOOST_AUTO_TEST_CASE(an_apic_timer_counts_down_once) {
    ApicTimer timer = counting(vector, 1'000'000, 500);
    BOOST_TEST(timer.deadline() == 500U + 10'000U); // 1 ms
    BOOST_TEST(timer.current(500) == 1'000'000U);
    BOOST_TEST(timer.current(501) == 999'900U);
    BOOST_TEST(!timer.expire(10'499));
    BOOST_TEST(timer.expire(10'500));
    BOOST_TEST(timer.vector() == vector);
    BOOST_TEST(!timer.expire(never - 1));
    BOOST_TEST(timer.deadline() == never);
    BOOST_TEST(timer.current(20'000) == 0U);
    BOOST_TEST(timer.initial() == 1'000'000U);
    timer.write_initial(100, 20'000);
    BOOST_TEST(timer.deadline() == 20'001U);
    timer.write_initial(0, 20'000);
    BOOST_TEST(timer.deadline() == never);
}

BOOST_AUTO_TEST_CASE(an_apic_timer_begins_masked_and_keeps_what_is_writable) {
    ApicTimer timer(gigahertz);
    BOOST_TEST(timer.lvt() == masked);
    BOOST_TEST(timer.current(77) == 0U);
    timer.write_lvt(~0U, 0);
    BOOST_TEST(timer.lvt() == (masked | periodic | 0xFFU)); // no TSC deadline
    timer.write_divide(~0U, 0);
    BOOST_TEST(timer.divide() == by_one);
}

BOOST_AUTO_TEST_CASE(an_apic_timer_divides) {
    const u32 codes[] = {0x0, 0x1, 0x2, 0x3, 0x8, 0x9, 0xA, 0xB};
    const u64 divisors[] = {2, 4, 8, 16, 32, 64, 128, 1};
    for (std::size_t i = 0; i < std::size(codes); ++i) {
        ApicTimer timer(gigahertz);
        timer.write_divide(codes[i], 0);
        timer.write_lvt(vector, 0);
        timer.write_initial(1000, 0);
        BOOST_TEST(timer.deadline() == 10 * divisors[i]);
        BOOST_TEST(timer.current(5 * divisors[i]) == 500U);
    }
    ApicTimer slowed = counting(vector, 1000, 0);
    slowed.write_divide(0, 5); // half is left, at half the rate
    BOOST_TEST(slowed.current(5) == 500U);
    BOOST_TEST(slowed.deadline() == 15U);
}

BOOST_AUTO_TEST_CASE(the_largest_count_at_the_slowest_rate_fits) {
    ApicTimer timer(gigahertz);
    timer.write_divide(0xA, 0); // by 128
    timer.write_lvt(vector | periodic, 0);
    timer.write_initial(0xFFFFFFFF, 0);
    const u64 period = timer.deadline();
    BOOST_TEST(period == 0xFFFFFFFFULL * 128 / 100 + 1);
    BOOST_TEST(timer.expire(1000 * period));
    BOOST_TEST(timer.deadline() > 1000 * period);
    BOOST_TEST(timer.deadline() <= 1001 * period);
}

BOOST_AUTO_TEST_CASE(a_periodic_apic_timer_keeps_its_rhythm) {
    // 2 500 050 ns: no whole number of units, which must not add up.
    ApicTimer timer = counting(vector | periodic, 2'500'050, 0);
    for (u64 n = 1; n <= 100'000; ++n) {
        const u64 due = (n * 2'500'050 + 99) / 100;
        BOOST_REQUIRE(timer.deadline() == due);
        BOOST_REQUIRE(timer.expire(due + n % 20'000)); // as late as may be
    }
    const u64 now = timer.deadline();
    BOOST_TEST(timer.expire(now + 3 * 25'001)); // what was missed is one interrupt
    BOOST_TEST(timer.deadline() > now + 3 * 25'001);
    BOOST_TEST(timer.deadline() <= now + 4 * 25'001);
}

BOOST_AUTO_TEST_CASE(a_masked_apic_timer_counts_in_silence) {
    ApicTimer timer = counting(vector | periodic | masked, 1'000'000, 0);
    BOOST_TEST(timer.deadline() == never);
    BOOST_TEST(timer.current(25'000) == 500'000U);
    timer.write_lvt(vector | periodic, 25'000);
    BOOST_TEST(timer.deadline() == 30'000U);
    ApicTimer once = counting(vector | masked, 1'000'000, 0);
    once.write_lvt(vector, 20'000); // its end has passed
    BOOST_TEST(once.deadline() == never);
    once.write_lvt(vector | periodic, 20'000);
    BOOST_TEST(once.deadline() == never);
}

BOOST_AUTO_TEST_CASE(short_periods_are_drawn_out) {
    ApicTimer timer = counting(vector | periodic, 100, 0);
    for (u64 now = timer.deadline(), n = 0; n < 10; ++n) {
        BOOST_TEST(timer.expire(now));
        BOOST_TEST(timer.deadline() >= now + shortest_period);
        now = timer.deadline();
    }
    SyntheticTimer synthetic;
    BOOST_TEST(synthetic.write_config(direct_one_shot | stimer::periodic, 0));
    synthetic.write_count(1, 0);
    u64 expiration = 0;
    BOOST_TEST(synthetic.expire(1, expiration));
    BOOST_TEST(synthetic.deadline() == 1 + shortest_period);
}

BOOST_AUTO_TEST_CASE(a_synthetic_timer_is_enabled_by_its_count) {
    SyntheticTimer timer;
    u64 expiration = 0;
    BOOST_TEST(timer.write_config(direct_one_shot, 10));
    BOOST_TEST(timer.deadline() == never);
    timer.write_count(1000, 20);
    BOOST_TEST(timer.config() == (direct_one_shot | stimer::enable));
    BOOST_TEST(timer.deadline() == 1000U);
    BOOST_TEST(!timer.expire(999, expiration));
    BOOST_TEST(timer.expire(1005, expiration));
    BOOST_TEST(expiration == 1000U);
    BOOST_TEST(timer.config() == direct_one_shot); // no longer enabled
    BOOST_TEST(timer.count() == 1000U);
    BOOST_TEST(!timer.expire(never - 1, expiration));
    timer.write_count(500, 2000); // in the past: at once
    BOOST_TEST(timer.expire(2000, expiration));
    BOOST_TEST((timer.direct() && timer.vector() == 0xED));
}

BOOST_AUTO_TEST_CASE(a_count_of_zero_disarms) {
    SyntheticTimer timer;
    BOOST_TEST(timer.write_config(direct_one_shot, 0));
    timer.write_count(1000, 0);
    timer.write_count(0, 0);
    BOOST_TEST(timer.config() == direct_one_shot);
    BOOST_TEST(timer.deadline() == never);
    BOOST_TEST(timer.write_config(direct_one_shot | stimer::enable, 0));
    BOOST_TEST(timer.deadline() == never); // there is no count yet
    timer.write_count(1000, 0);
    BOOST_TEST(timer.deadline() == 1000U);
    BOOST_TEST(timer.write_config(0, 0));
    BOOST_TEST(timer.deadline() == never);
}

BOOST_AUTO_TEST_CASE(without_auto_enable_a_count_waits_for_its_timer) {
    SyntheticTimer timer;
    BOOST_TEST(timer.write_config(stimer::direct | 0xED0, 0));
    timer.write_count(1000, 0);
    BOOST_TEST(timer.deadline() == never);
    BOOST_TEST(timer.write_config(stimer::direct | 0xED0 | stimer::enable, 0));
    BOOST_TEST(timer.deadline() == 1000U);
}

BOOST_AUTO_TEST_CASE(a_timer_that_can_tell_nobody_stays_disabled) {
    for (const bool messages : {false, true}) {
        SyntheticTimer timer(messages);
        BOOST_TEST(timer.write_config(stimer::enable | stimer::auto_enable, 0)); // SINT 0
        BOOST_TEST(timer.config() == stimer::auto_enable);
        timer.write_count(1000, 0);
        BOOST_TEST(timer.config() == stimer::auto_enable);
        BOOST_TEST(timer.deadline() == never);
        BOOST_TEST(timer.write_config(stimer::enable | 4ULL << 16, 0));
        BOOST_TEST(((timer.config() & stimer::enable) != 0) == messages);
        BOOST_TEST(timer.deadline() == (messages ? 1000 : never));
        BOOST_TEST(timer.sint() == 4U);
    }
}

BOOST_AUTO_TEST_CASE(reserved_bits_are_refused) {
    SyntheticTimer timer;
    BOOST_TEST(timer.write_config(direct_one_shot, 0));
    for (const unsigned bit : {13U, 14U, 15U, 20U, 63U}) {
        BOOST_TEST(!timer.write_config(1ULL << bit, 0));
    }
    BOOST_TEST(timer.config() == direct_one_shot);
}

BOOST_AUTO_TEST_CASE(a_periodic_synthetic_timer_leaves_out_what_it_missed) {
    SyntheticTimer timer;
    u64 expiration = 0;
    BOOST_TEST(timer.write_config(direct_one_shot | stimer::periodic, 0));
    timer.write_count(10'000, 500); // the period begins when it is enabled
    BOOST_TEST(timer.deadline() == 10'500U);
    BOOST_TEST(timer.expire(10'600, expiration));
    BOOST_TEST(timer.deadline() == 20'500U);
    BOOST_TEST((timer.config() & stimer::enable) != 0U);
    BOOST_TEST(timer.expire(50'499, expiration));
    BOOST_TEST(expiration == 20'500U);
    BOOST_TEST(timer.deadline() == 50'500U);
    timer.write_count(never, 7); // further than there is time
    BOOST_TEST(timer.deadline() == never);
    BOOST_TEST(!timer.expire(never, expiration));
}

BOOST_AUTO_TEST_CASE(whatever_is_written_the_timers_stay_sound) {
    std::mt19937_64 random(5);
    ApicTimer apic(999'999'868);
    SyntheticTimer synthetic(true);
    u64 now = 0;
    u64 expiration = 0;
    for (int step = 0; step < 200'000; ++step) {
        now += random() >> (20 + random() % 44);
        apic.expire(now);
        synthetic.expire(now, expiration);
        const u64 value = random() >> random() % 64;
        switch (random() % 5) {
        case 0:
            apic.write_lvt(static_cast<u32>(value), now);
            break;
        case 1:
            apic.write_initial(static_cast<u32>(value), now);
            break;
        case 2:
            apic.write_divide(static_cast<u32>(value), now);
            break;
        case 3:
            (void)synthetic.write_config(value & ~stimer::reserved, now);
            break;
        default:
            synthetic.write_count(value, now);
            break;
        }
        BOOST_REQUIRE(apic.current(now) <= apic.initial());
        BOOST_REQUIRE((apic.deadline() == never || (apic.lvt() & masked) == 0));
        BOOST_REQUIRE(apic.deadline() > now);
        const bool enabled = (synthetic.config() & stimer::enable) != 0;
        BOOST_REQUIRE((synthetic.deadline() == never || enabled));
        BOOST_REQUIRE((!enabled || synthetic.direct() || synthetic.sint() != 0));
        now += 1;
        synthetic.expire(now, expiration);
        BOOST_REQUIRE(synthetic.deadline() > now);
    }
}

BOOST_AUTO_TEST_CASE(products_and_quotients) {
    std::mt19937_64 random(2);
    for (int step = 0; step < 10'000; ++step) {
        const u64 a = random() >> random() % 64;
        const u64 b = random() >> random() % 64;
        const Wide product = Wide{a} * b;
        BOOST_REQUIRE(multiply_high(a, b) == static_cast<u64>(product >> 64));
        const u64 c = random() | 1;
        if (product / c <= ~u64{0} - 1) {
            BOOST_REQUIRE(multiply_divide(a, b, c) == static_cast<u64>(product / c));
            BOOST_REQUIRE(multiply_divide_up(a, b, c) == static_cast<u64>((product + c - 1) / c));
        }
    }
    BOOST_TEST(multiply_divide(7, 9, 7) == 9U);
}

BOOST_AUTO_TEST_CASE(the_page_and_the_register_say_the_same) {
    std::mt19937_64 random(3);
    for (const u64 rate : {10'000'019ULL, 999'999'991ULL, 2'445'123'456ULL, 5'700'000'000ULL}) {
        const u64 start = random() >> 8;
        const ReferenceTime time = ReferenceTime::from(rate, start);
        const ReferenceTscPage page{1, 0, time.scale, time.offset};
        static_assert(sizeof(page) == 24);
        BOOST_TEST(time.at(start) == 0U);
        for (int step = 0; step < 1000; ++step) {
            const u64 ticks = random() % (rate * 1'000'000); // eleven days
            const u64 tsc = start + ticks;
            // A guest's reckoning, and the truth.
            const u64 guest = static_cast<u64>(Wide{tsc} * page.scale >> 64) + page.offset;
            const u64 exact = static_cast<u64>(Wide{ticks} * units_per_second / rate);
            BOOST_REQUIRE(time.at(tsc) == guest);
            const u64 error = guest > exact ? guest - exact : exact - guest;
            BOOST_REQUIRE(error <= 2); // of rounding, whatever the distance
            BOOST_REQUIRE(time.at(tsc + 1) >= time.at(tsc));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_countdown_does_not_end_early) {
    BOOST_TEST(countdown(100, 100, gigahertz) == 1U);
    BOOST_TEST(countdown(100, 5, gigahertz) == 1U);
    BOOST_TEST(countdown(100, 101, gigahertz) == 100U);
    BOOST_TEST(countdown(100, 101, 15'000'001) == 2U); // 1.5 and a little
    BOOST_TEST(countdown(0, never - 1, gigahertz) == longest_countdown);
    BOOST_TEST(countdown(0, 42'949'671, gigahertz) == 4'294'967'100U);
    BOOST_TEST(countdown(0, 42'949'673, gigahertz) == longest_countdown);
    std::mt19937_64 random(4);
    for (int step = 0; step < 10'000; ++step) {
        const u64 rate = 1'000'000 + random() % 4'000'000'000;
        const u64 distance = random() >> random() % 64;
        const u32 count = countdown(1, 1 + distance / 2, rate);
        if (count != longest_countdown && count > 1) {
            BOOST_REQUIRE(Wide{count} * units_per_second >= Wide{distance / 2} * rate);
            BOOST_REQUIRE(Wide{count - 1} * units_per_second < Wide{distance / 2} * rate);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin
