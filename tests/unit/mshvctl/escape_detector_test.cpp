// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/escape_detector.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace std::chrono_literals;
using mshv::ctl::EscapeDetector;
using Action = EscapeDetector::Action;

constexpr char key = 0x1d;
const std::string key_text(1, key);

struct Fixture {
    EscapeDetector detector{key};
    EscapeDetector::Clock::time_point now = EscapeDetector::Clock::time_point{} + 1h;

    EscapeDetector::Result after(std::chrono::milliseconds pause, std::string_view bytes) {
        now += pause;
        return detector.feed(bytes, now);
    }
    EscapeDetector::Result tick(std::chrono::milliseconds pause) {
        now += pause;
        return detector.tick(now);
    }
};

BOOST_FIXTURE_TEST_SUITE(escape_detector, Fixture)

BOOST_AUTO_TEST_CASE(what_is_typed_passes) {
    BOOST_TEST(after(0ms, "l").forward == "l");
    BOOST_TEST(after(5ms, "s\r").forward == "s\r");
    BOOST_TEST(!detector.due().has_value());
}

BOOST_AUTO_TEST_CASE(a_lone_key_detaches_when_no_second_comes) {
    BOOST_TEST(after(100ms, key_text).forward.empty());
    BOOST_TEST(detector.due().has_value());
    BOOST_CHECK(tick(299ms).action == Action::none);
    BOOST_CHECK(tick(1ms).action == Action::detach);
    BOOST_TEST(!detector.due().has_value());
}

BOOST_AUTO_TEST_CASE(the_very_first_byte_may_be_the_key) {
    after(0ms, key_text);
    BOOST_CHECK(tick(300ms).action == Action::detach);
}

BOOST_AUTO_TEST_CASE(a_second_key_decides) {
    after(100ms, key_text);
    BOOST_CHECK(after(150ms, ".").action == Action::detach);
    after(100ms, key_text);
    BOOST_CHECK(after(150ms, "?").action == Action::help);
    after(100ms, key_text);
    const auto twice = after(150ms, key_text);
    BOOST_CHECK(twice.action == Action::none);
    BOOST_TEST(twice.forward == key_text);
    BOOST_CHECK(tick(1h).action == Action::none);
}

BOOST_AUTO_TEST_CASE(two_keys_in_one_read_are_two_keys) {
    BOOST_TEST(after(100ms, key_text + key_text).forward == key_text);
    BOOST_CHECK(after(100ms, key_text + ".").action == Action::detach);
}

BOOST_AUTO_TEST_CASE(a_key_inside_a_paste_passes) {
    const std::string paste = "one " + key_text + " two";
    BOOST_TEST(after(100ms, paste).forward == paste);
    // A paste cut so that the key comes alone is still in the paste.
    BOOST_TEST(after(100ms, "abc").forward == "abc");
    BOOST_TEST(after(2ms, key_text).forward == key_text);
    BOOST_TEST(after(2ms, "def").forward == "def");
    BOOST_CHECK(tick(1h).action == Action::none);
}

BOOST_AUTO_TEST_CASE(a_paste_that_begins_with_the_key_passes) {
    after(100ms, key_text);
    const auto rest = after(10ms, "rest of the paste");
    BOOST_TEST(rest.forward == key_text + "rest of the paste");
    BOOST_CHECK(rest.action == Action::none);
}

BOOST_AUTO_TEST_CASE(typing_on_after_a_lone_key_detaches) {
    after(100ms, key_text);
    const auto next = after(120ms, "l");
    BOOST_CHECK(next.action == Action::detach);
    BOOST_TEST(next.forward.empty());
}

BOOST_AUTO_TEST_CASE(a_bracketed_paste_passes_however_slowly_it_comes) {
    BOOST_TEST(after(100ms, "\x1b[20").forward == "\x1b[20");
    BOOST_TEST(after(100ms, "0~").forward == "0~");
    BOOST_TEST(after(100ms, key_text).forward == key_text);
    BOOST_CHECK(tick(1h).action == Action::none);
    BOOST_TEST(after(100ms, "\x1b[201~").forward == "\x1b[201~");
    after(100ms, key_text);
    BOOST_CHECK(tick(300ms).action == Action::detach);
}

BOOST_AUTO_TEST_CASE(another_escape_character) {
    EscapeDetector other('\x01');
    BOOST_TEST(other.feed(key_text, now).forward == key_text);
    BOOST_TEST(other.feed("\x01", now + 1s).forward.empty());
    BOOST_CHECK(other.tick(now + 2s).action == Action::detach);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
