// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/unit/api/thrown.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace mshv::testing {

/// Of a hundred calls at the same time for one name: who got it, and who was told that it exists.
struct NameRace {
    template <typename F>
    explicit NameRace(F call) {
        std::vector<std::jthread> threads;
        for (int n = 0; n < 100; ++n) {
            threads.emplace_back([&] {
                const auto code = code_of(call);
                ++(code == api::ErrorCode::exists ? lost : won);
            });
        }
    }

    std::atomic<int> won = 0;
    std::atomic<int> lost = 0;
};

} // namespace mshv::testing
