// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/bench/figures.hpp"

namespace mshv::bench {

/// create, destroy, hello, the keeper's memory; guests run, so no real-time priority.
void measure_guests(Report& report);
/// `mshvctl list` as a process, with 0 and 50 partitions, and re-adoption of the 50.
void measure_lists(Report& report);
/// define, start with many definitions, list of all of them, the daemon's memory.
void measure_storage(Report& report);
/// Round trips on an open connection, alone and while operations run or hang.
void measure_queries(Report& report);

} // namespace mshv::bench
