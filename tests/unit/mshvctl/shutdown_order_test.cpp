// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/shutdown_order.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using ctl::Ordered;

Ordered one(const std::string& name, unsigned order, const std::vector<std::string>& after = {},
            api::AfterState state = api::AfterState::running) {
    Ordered made{name, {}};
    made.autostart.order = order;
    for (const auto& other : after) {
        made.autostart.after.push_back({other, state, 120});
    }
    return made;
}

/// "c | a b"
std::string order_of(const std::vector<Ordered>& all) {
    std::string text;
    for (const auto& group : ctl::shutdown_order(all)) {
        text += text.empty() ? "" : " |";
        for (const auto i : group) {
            text += (text.empty() ? "" : " ") + all[i].name;
        }
    }
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(shutdown_order)

BOOST_AUTO_TEST_CASE(it_is_autostarts_turned_round) {
    BOOST_TEST(order_of({}).empty());
    BOOST_TEST(order_of({one("a", 1), one("b", 2), one("c", 1)}) == "b | a c");
    // Not marked for autostart, or marked: it has its place.
    BOOST_TEST(order_of({one("a", 100), one("b", 100)}) == "a b");
}

BOOST_AUTO_TEST_CASE(who_starts_after_another_ends_before_it) {
    BOOST_TEST(order_of({one("db", 100), one("app", 100, {"db"})}) == "app | db");
    // Against their numbers, as autostart would have started them.
    BOOST_TEST(order_of({one("app", 10, {"db"}), one("db", 20), one("x", 20)}) == "app | db x");
    BOOST_TEST(order_of({one("a", 1, {"b"}), one("b", 1, {"c"}), one("c", 1)}) == "a | b | c");
}

BOOST_AUTO_TEST_CASE(what_does_not_run_and_what_must_be_off_keeps_nobody) {
    BOOST_TEST(order_of({one("app", 10, {"gone"}), one("b", 10)}) == "app b");
    BOOST_TEST(order_of({one("a", 10, {"b"}, api::AfterState::stopped), one("b", 10)}) == "a b");
}

BOOST_AUTO_TEST_CASE(a_circle_ends) {
    BOOST_TEST(order_of({one("a", 1, {"b"}), one("b", 2, {"a"}), one("c", 3, {"c"})}) ==
               "c | b | a");
}

BOOST_AUTO_TEST_SUITE_END()
