// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mshv::guestxml {

struct ParseOptions {
    std::string file_name;       ///< for messages only: nothing is opened
    bool compat_libvirt = false; ///< drop a closed list of libvirt elements, a warning each
    /// `--set` words and values, applied in order before the document is judged. A word is an alias
    /// such as `memory` or a path such as `devices/disk[1]/source/@file`.
    std::vector<std::pair<std::string, std::string>> overrides;
    std::size_t most_problems = 64; ///< more than these are counted, not listed
};

struct ParseResult {
    std::optional<api::PartitionSpec> spec; ///< present when no problem is an error
    std::vector<api::Problem> problems;     ///< errors and warnings in the order of their lines
};

/// Throws nothing but std::bad_alloc; takes no file, network or clock. Safe on hostile bytes.
[[nodiscard]] ParseResult parse(std::string_view document, const ParseOptions& options = {});

/// The canonical document: parse(to_xml(spec)).spec == spec for every spec that parse() can yield.
[[nodiscard]] std::string to_xml(const api::PartitionSpec& spec);

enum class Colour { no, yes };

/// The problem as a terminal shows it: place, code and message, the source line with the fault
/// underlined, the hint. Everything foreign is escaped.
[[nodiscard]] std::string format_problem(const api::Problem& problem, std::string_view document,
                                         Colour colour = Colour::no);

/// What --set takes besides paths, for help and completion.
[[nodiscard]] std::vector<std::string_view> override_words();

/// The RELAX NG schema (XML syntax) of <partition> documents, made from the element table.
[[nodiscard]] std::string relax_ng();

/// The element table as scdoc text for mshv-guest(5).
[[nodiscard]] std::string manual_table();

} // namespace mshv::guestxml
