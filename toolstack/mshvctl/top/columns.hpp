// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/top/rates.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::ctl {

/// Of the host, for shares.
struct HostSize {
    std::int64_t memory = 0; ///< bytes; 0 = not known
};

/// A column of `top`. Titles and widths that xentop has are xentop's.
struct TopColumn {
    std::string_view name; ///< for -o and --sort
    std::string_view title;
    std::size_t width;
    std::string (*text)(const Usage&, const HostSize&);
    /// What rows are sorted by, greatest first; null = by the text.
    std::optional<double> (*number)(const Usage&);
};

/// Which columns are shown where none are asked for.
enum class TopStyle {
    ours, ///< those that tell most, unknown as "-"
    xl,   ///< all of xentop's in its order, unknown as 0
};

std::span<const TopColumn> top_columns();
/// The one of this name; null when there is none.
const TopColumn* find_top_column(std::string_view name);
std::vector<const TopColumn*> default_top_columns(TopStyle style);

/// Sorts by a column: numbers from the greatest, texts from the first, equal ones by number of the
/// partition; all of that backwards when `reverse`.
void sort_usages(std::vector<Usage>& usages, const TopColumn& by, bool reverse);

/// The line of titles, and a line for each partition. `full_names`: never cut.
std::string top_header(const std::vector<const TopColumn*>& columns, std::size_t name_width);
std::string top_row(const Usage& usage, const std::vector<const TopColumn*>& columns,
                    const HostSize& host, TopStyle style, std::size_t name_width);
/// "VCPUs(sec): 0: 12s 1: 3s"
std::string top_vcpus(const Usage& usage);
/// The width of the column of names: at least xentop's 10; the longest's when `full`.
std::size_t name_width(const std::vector<Usage>& usages, bool full);

} // namespace mshv::ctl
