// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/unit/control/world.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::testing {

inline void check_invariants(World& world) {
    BOOST_TEST(world.released());
    for (const auto& fault : broken_invariants(world)) {
        BOOST_ERROR(fault);
    }
}

/// Every case in it ends with the invariants.
struct Whole : World {
    Whole() = default;
    Whole(const Whole&) = delete;
    Whole& operator=(const Whole&) = delete;
    ~Whole() { check_invariants(*this); }
};

} // namespace mshv::testing
