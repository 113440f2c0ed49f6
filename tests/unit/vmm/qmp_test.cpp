// SPDX-License-Identifier: Apache-2.0
#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(qmp_test_placeholder) {}
