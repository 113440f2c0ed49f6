// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/view.hpp"
#include "toolstack/mshvctl/output/table.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace mshv::ctl {

/// xl's six letters: r running, b blocked, p paused, s shut down, then the reason's letter of
/// "-rscwS", then d dying. Never all dashes.
std::array<char, 6> state_letters(const api::PartitionView& view);

/// Whose table `list` prints: xl's own byte for byte, tabs and misplaced titles included, or the
/// same columns in line.
enum class ListStyle { xl, ours };

void append_list_header(std::string& out, ListStyle style, bool verbose);
/// A partition of the hypervisor's that the daemon does not manage.
void append_unmanaged_row(std::string& out, const api::UnmanagedPartition& partition);
void append_list_row(std::string& out, const api::PartitionView& view, ListStyle style,
                     bool verbose);

/// Processor time of its virtual processors, where the hypervisor tells it, else of its VMM; 0 while
/// nothing runs.
std::int64_t cpu_time_ms(const api::PartitionView& view);

/// Bytes: what its balloon leaves the guest where it has said so, else all of its memory.
std::int64_t guest_memory(const api::PartitionView& view);

/// A column of `list -o`.
struct ListColumn {
    std::string_view name;
    std::string_view title;
    Align align;
    std::string (*value)(const api::PartitionView&);
};

std::span<const ListColumn> list_columns();

/// "D days, HH:MM:SS" as xl writes it, or without seconds.
std::string uptime_text(std::int64_t seconds, bool short_form);

/// Tenths of a unit without floating point: 12345 ms -> "12.3".
std::string tenths(std::int64_t thousandths);

/// Local time of a wall clock value, "2026-11-21 12:00:03"; "-" for 0.
std::string time_text(std::int64_t unix_ms);

} // namespace mshv::ctl
