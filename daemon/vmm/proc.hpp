// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace mshv::vmm {

struct ThreadSample {
    std::int64_t cpu_time_ms = 0;
    std::optional<std::int64_t> waiting_ms; ///< ready, without a CPU; if the kernel counts it
    int last_cpu = -1;
    char state = '?';
    std::string affinity; ///< as in Cpus_allowed_list; "all" when it is every CPU
};

/// What /proc says of thread `thread` of process `pid`; empty when it has no such thread.
std::optional<ThreadSample> sample_thread(pid_t pid, std::int64_t thread);

/// State, wait channel and, where it may be read, kernel stack of a process that does not end.
std::string describe_stuck(pid_t pid);

} // namespace mshv::vmm
