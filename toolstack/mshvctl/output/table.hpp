// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::ctl {

enum class Align { left, right };

/// How rows of cells are printed.
enum class TableFormat {
    table, ///< columns as wide as their widest cell, escaped
    csv,   ///< RFC 4180, escaped for terminals; a cell that a spreadsheet would run gets a quote
    tsv,   ///< tabs between cells; tabs and newlines in a cell are escaped
};

/// The one of this name, "table", "csv" or "tsv"; table for any other.
TableFormat table_format(std::string_view name);

/// Rows of cells under a header, printed at once.
class Table {
public:
    struct Column {
        std::string_view title;
        Align align = Align::left;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Cells are added one after the other; a row is full after as many as there are columns.
    Table& cell(std::string_view text) {
        cells_.emplace_back(text);
        return *this;
    }
    Table& cell(long long number) { return cell(std::to_string(number)); }

    [[nodiscard]] std::size_t rows() const { return cells_.size() / columns_.size(); }
    void print(std::string& out, TableFormat format, bool header) const;

private:
    void print_aligned(std::string& out, bool header) const;
    void print_separated(std::string& out, TableFormat format, bool header) const;

    std::vector<Column> columns_;
    std::vector<std::string> cells_;
};

/// Appends `text` in a field of `width`, never cut.
void append_padded(std::string& out, std::string_view text, std::size_t width, Align align);

/// Appends `text` escaped for a terminal; without a copy when nothing needs it.
void append_escaped(std::string& out, std::string_view text);

/// The columns that `text` takes on a terminal, counted in characters.
std::size_t display_width(std::string_view text);

} // namespace mshv::ctl
