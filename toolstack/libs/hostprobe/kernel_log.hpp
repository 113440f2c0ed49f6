// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::hostprobe {

/// What the kernel itself has said: a program that writes into its log may say anything, and is not
/// listened to.
struct KernelRecord {
    unsigned level = 0;       ///< 0 = emergency … 7 = debug
    std::int64_t time_us = 0; ///< since the boot
    std::string text;         ///< with what the kernel does not print as \xNN
};

/// From the text of /dev/kmsg, a record a line.
std::vector<KernelRecord> parse_kernel_log(std::string_view text);

/// What is there now, without waiting for more. Throws std::system_error when it may not be read.
std::vector<KernelRecord> read_kernel_log();

/// Whether a record is about the hypervisor, or of its driver.
bool is_of_hypervisor(const KernelRecord& record);

/// The hypervisor's scheduler: "root", "core", "classic", "classic SMT"; empty when the driver has
/// not said it, or too long ago.
std::string scheduler_of_log(const std::vector<KernelRecord>& records);

} // namespace mshv::hostprobe
