// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/svm/own_state.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>

namespace mshv::standin::svm {
namespace {

constexpr OwnState own{0x112ECB, 0x395000, 0x39A000, 0x39B000};

bool is_own(u64 rip, u64 cr3, u64 rsp) {
    const auto saved = std::make_unique<Vmcb>();
    saved->rip = rip;
    saved->cr3 = cr3;
    saved->rsp = rsp;
    return is_own_state(*saved, own);
}

} // namespace

BOOST_AUTO_TEST_SUITE(own_state)

BOOST_AUTO_TEST_CASE(is_that_of_the_world_switch) {
    BOOST_TEST(is_own(0x112ECB, 0x395000, 0x39AB68));
    BOOST_TEST(is_own(0x112ECB, 0x395000, 0x39A000));
}

BOOST_AUTO_TEST_CASE(is_none_of_a_guest_that_has_one_of_its_addresses) {
    BOOST_TEST(!is_own(0x112ECB, 0x2000, 0x7FF0));
    BOOST_TEST(!is_own(0x112EC8, 0x395000, 0x39AB68));
    BOOST_TEST(!is_own(0x112ECB, 0x395000, 0x39B000));
    BOOST_TEST(!is_own(0x112ECB, 0x395000, 0x399FF8));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin::svm
