// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/svm/virtual_processor.hpp"

#include <string_view>

namespace mshv::standin {

/// Does what the root's VP on this processor left the guest for.
void on_root_exit(Lp& lp, VirtualProcessor& vp);

/// The interrupt that this processor has taken, if any, waits for the root's VP.
void queue_taken(Lp& lp, VirtualProcessor& vp);

/// Says where the VP stands, and stops this processor.
[[noreturn]] void give_up(const VirtualProcessor& vp, std::string_view why);

} // namespace mshv::standin
