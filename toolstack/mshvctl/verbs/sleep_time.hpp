// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/context.hpp"

#include <chrono>
#include <string_view>

namespace mshv::ctl::verbs {

/// Suspends or resumes a guest, which gets --timeout for it, or 30 seconds.
inline api::PartitionView sleep_in_time(Context& context, const api::Selector& selector,
                                        std::string_view verb) {
    constexpr std::chrono::milliseconds guest_time{30'000};
    constexpr std::chrono::seconds slack{20}; // for its agent, and for the answer
    const auto timeout = context.globals().timeout.value_or(guest_time);
    return context.client().sleep(selector, verb, {static_cast<std::uint64_t>(timeout.count())},
                                  context.operation_deadline(timeout + slack));
}

} // namespace mshv::ctl::verbs
