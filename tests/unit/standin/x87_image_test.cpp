// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/x87_image.hpp"

#include <boost/test/unit_test.hpp>

#include <array>

namespace mshv::standin {

BOOST_AUTO_TEST_SUITE(x87_image)

BOOST_AUTO_TEST_CASE(is_initial_whatever_mxcsr_is) {
    std::array<u8, 160> image{0x7F, 0x03};
    BOOST_TEST(is_initial_x87(image));
    image[24] = 0x80;
    image[25] = 0x1F;
    image[31] = 0xFF;
    BOOST_TEST(is_initial_x87(image));
}

BOOST_AUTO_TEST_CASE(is_not_with_any_other_byte) {
    for (const std::size_t place : {0, 1, 2, 4, 8, 23, 32, 41, 159}) {
        std::array<u8, 160> image{0x7F, 0x03};
        image[place] = 0x55;
        BOOST_TEST(!is_initial_x87(image), "byte " << place);
    }
    BOOST_TEST(!is_initial_x87(std::array<u8, 160>{}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin
