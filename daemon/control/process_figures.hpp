// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/live.hpp"
#include "toolstack/libs/posix/pidfd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::control {

/// CPU time and memory of a process by the text of its /proc/PID/stat; empty for another process
/// than `identity`, or text that is none.
std::optional<Sample> parse_stat(const std::string& stat, const posix::ProcessIdentity& identity);

/// How long the threads of a process, together, were ready and had no CPU; empty where the kernel
/// does not count it.
std::optional<std::int64_t> waiting_of(const std::string& proc, std::int64_t pid);

/// Bytes, in both directions.
struct Traffic {
    std::int64_t in = 0;
    std::int64_t out = 0;
};

/// What a process has had read from storage (`in`) and written to it (`out`), by the text of its
/// /proc/PID/io: not what the page cache answered. Empty for text that is none.
std::optional<Traffic> parse_io(const std::string& io);

/// The same of a process; empty where the kernel does not count it or may not be asked.
std::optional<Traffic> storage_of(const std::string& proc, std::int64_t pid);

/// The names of the taps that a process holds open, each once. Empty when it is gone.
std::vector<std::string> taps_of(const std::string& proc, std::int64_t pid);

/// What the guest behind these taps has received (`in`) and sent (`out`), by the counters in
/// `interfaces`, a /sys/class/net. Empty without any that still is there.
std::optional<Traffic> traffic_of(const std::string& interfaces,
                                  const std::vector<std::string>& taps);

} // namespace mshv::control
