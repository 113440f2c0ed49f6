// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/svm/interrupt_queue.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::standin::svm {

BOOST_AUTO_TEST_SUITE(interrupt_queue)

BOOST_AUTO_TEST_CASE(gives_the_highest_first) {
    InterruptQueue queue;
    BOOST_TEST(queue.size() == 0U);
    BOOST_TEST(queue.add(0x41, true));
    BOOST_TEST(queue.add(0xEC, true));
    BOOST_TEST(queue.add(0x52, true));
    BOOST_TEST(queue.next() == 0xEC);
    BOOST_TEST(queue.take_next() == 0xEC);
    BOOST_TEST(queue.take_next() == 0x52);
    BOOST_TEST(queue.size() == 1U);
    BOOST_TEST(queue.take_next() == 0x41);
    BOOST_TEST(queue.size() == 0U);
}

BOOST_AUTO_TEST_CASE(gives_what_is_not_in_service_last_and_its_newest_first) {
    InterruptQueue queue;
    BOOST_TEST(queue.add(0xFF, false));
    BOOST_TEST(queue.add(0x30, false));
    BOOST_TEST(queue.add(0x21, true));
    BOOST_TEST(queue.take_next() == 0x21);
    BOOST_TEST(queue.take_next() == 0x30);
    BOOST_TEST(queue.take_next() == 0xFF);
}

BOOST_AUTO_TEST_CASE(says_when_it_is_full) {
    InterruptQueue queue;
    for (std::size_t i = 0; i < InterruptQueue::most; ++i) {
        BOOST_TEST(queue.add(static_cast<u8>(0x30 + i), true));
    }
    BOOST_TEST(!queue.add(0xF0, true));
    BOOST_TEST(queue.size() == InterruptQueue::most);
    BOOST_TEST(queue.next() == 0x30 + InterruptQueue::most - 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin::svm
