// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/guestxml.hpp"

#include "toolstack/libs/api/escape.hpp"

#include <algorithm>

namespace mshv::guestxml {
namespace {

constexpr std::size_t widest = 160;  // bytes of a source line that are shown
constexpr std::size_t in_front = 80; // of these before the fault, when the line is longer

std::string_view line_of(std::string_view document, long number) {
    for (long line = 1; line < number; ++line) {
        const std::size_t end = document.find('\n');
        if (end == std::string_view::npos) {
            return {};
        }
        document.remove_prefix(end + 1);
    }
    std::string_view line = document.substr(0, document.find('\n'));
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

/// Escaped, each tab a blank, so that what stands below lines up.
std::string printed(std::string_view text) {
    std::string out(text);
    std::replace(out.begin(), out.end(), '\t', ' ');
    return api::escape_terminal(out);
}

/// Characters, which are columns but for wide and combining ones.
std::size_t columns(std::string_view printed_text) {
    return static_cast<std::size_t>(
        std::count_if(printed_text.begin(), printed_text.end(),
                      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string excerpt(std::string_view line, std::size_t at, std::size_t length,
                    std::string_view bold, std::string_view plain) {
    at = std::min(at, line.size());
    std::size_t start = line.size() > widest && at > in_front ? at - in_front : 0;
    while (start > 0 && start < at && is_continuation(line[start])) {
        ++start;
    }
    std::size_t end = std::min(line.size(), start + widest);
    while (end < line.size() && end > at && is_continuation(line[end])) {
        --end;
    }
    length = std::clamp<std::size_t>(length, 1, std::max<std::size_t>(end - at, 1));
    const std::string before = (start > 0 ? "…" : "") + printed(line.substr(start, at - start));
    const std::string fault = printed(line.substr(at, length));
    const std::string after =
        at + length < end ? printed(line.substr(at + length, end - at - length)) : std::string{};
    std::string out = "  " + before + fault + after + (end < line.size() ? "…" : "") + "\n";
    out += "  " + std::string(columns(before), ' ') + std::string(bold) +
           std::string(std::max<std::size_t>(columns(fault), 1), '^') + std::string(plain) + "\n";
    return out;
}

} // namespace

std::string format_problem(const api::Problem& problem, std::string_view document, Colour colour) {
    const bool coloured = colour == Colour::yes;
    const std::string_view plain = coloured ? "\x1b[0m" : "";
    const std::string_view bold = !coloured ? "" : problem.warning ? "\x1b[1;33m" : "\x1b[1;31m";
    std::string out;
    if (problem.line > 0) {
        out += problem.file.empty() ? "" : api::escape_terminal(problem.file) + ":";
        out += std::to_string(problem.line) + ":" + std::to_string(problem.column) + ": ";
    }
    out += bold;
    out += problem.warning ? "warning" : "error";
    out += problem.code.empty() ? "" : "[" + api::escape_terminal(problem.code) + "]";
    out += plain;
    out += ": ";
    out += problem.where.empty() ? "" : api::escape_terminal(problem.where) + ": ";
    out += api::escape_terminal(problem.message) + "\n";
    const std::string_view line =
        problem.line > 0 ? line_of(document, problem.line) : std::string_view{};
    if (!line.empty() && problem.column > 0) {
        out += excerpt(line, static_cast<std::size_t>(problem.column - 1),
                       static_cast<std::size_t>(std::max(problem.length, 1L)), bold, plain);
    }
    if (!problem.hint.empty()) {
        out += "  hint: " + api::escape_terminal(problem.hint) + "\n";
    }
    return out;
}

} // namespace mshv::guestxml
