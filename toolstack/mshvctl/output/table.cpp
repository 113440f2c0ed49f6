// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/output/table.hpp"

#include "toolstack/libs/api/escape.hpp"

#include <algorithm>

namespace mshv::ctl {
namespace {

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_number(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '-' || c == '.' || (c >= '0' && c <= '9'); });
}

/// A formula in a name must not run in the spreadsheet of whoever opens the file.
bool looks_like_formula(std::string_view text) {
    return !text.empty() && std::string_view("=+-@").find(text.front()) != std::string_view::npos &&
           !is_number(text);
}

void append_csv(std::string& out, std::string_view text) {
    std::string cell;
    if (looks_like_formula(text)) {
        cell += '\'';
    }
    append_escaped(cell, text);
    if (cell.find_first_of(",\"") == std::string::npos) {
        out += cell;
        return;
    }
    out += '"';
    for (const char c : cell) {
        out += c;
        if (c == '"') {
            out += '"';
        }
    }
    out += '"';
}

} // namespace

void append_escaped(std::string& out, std::string_view text) {
    if (is_plain(text)) {
        out += text;
    } else {
        out += api::escape_terminal(text);
    }
}

std::size_t display_width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    }));
}

void append_padded(std::string& out, std::string_view text, std::size_t width, Align align) {
    const std::size_t taken = display_width(text);
    const std::size_t pad = taken < width ? width - taken : 0;
    if (align == Align::right) {
        out.append(pad, ' ');
    }
    out += text;
    if (align == Align::left) {
        out.append(pad, ' ');
    }
}

TableFormat table_format(std::string_view name) {
    return name == "csv"   ? TableFormat::csv
           : name == "tsv" ? TableFormat::tsv
                           : TableFormat::table;
}

void Table::print(std::string& out, TableFormat format, bool header) const {
    if (format == TableFormat::table) {
        print_aligned(out, header);
    } else {
        print_separated(out, format, header);
    }
}

void Table::print_aligned(std::string& out, bool header) const {
    const std::size_t count = columns_.size();
    std::vector<std::string> escaped(cells_.size());
    std::vector<std::size_t> widths(count);
    for (std::size_t i = 0; i < count && header; ++i) {
        widths[i] = columns_[i].title.size();
    }
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        append_escaped(escaped[i], cells_[i]);
        widths[i % count] = std::max(widths[i % count], display_width(escaped[i]));
    }
    const auto append = [&](std::string_view text, std::size_t column) {
        const bool last = column + 1 == count;
        const Align align = columns_[column].align;
        // No blanks at the end of a line.
        append_padded(out, text, last && align == Align::left ? 0 : widths[column], align);
        out += last ? "\n" : "  ";
    };
    for (std::size_t i = 0; i < count && header; ++i) {
        append(columns_[i].title, i);
    }
    for (std::size_t i = 0; i < escaped.size(); ++i) {
        append(escaped[i], i % count);
    }
}

void Table::print_separated(std::string& out, TableFormat format, bool header) const {
    const std::size_t count = columns_.size();
    const char separator = format == TableFormat::csv ? ',' : '\t';
    const auto end = [&](std::size_t i) { out += i % count + 1 == count ? '\n' : separator; };
    for (std::size_t i = 0; i < count && header; ++i) {
        out += columns_[i].title;
        end(i);
    }
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        if (format == TableFormat::csv) {
            append_csv(out, cells_[i]);
        } else {
            append_escaped(out, cells_[i]);
        }
        end(i);
    }
}

} // namespace mshv::ctl
