// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/edits.hpp"

#include <algorithm>

namespace mshv::foreign {

void Edits::replace(guestxml::Place at, std::string text) {
    edits_.push_back({at.offset, std::size_t{at.offset} + at.length, std::move(text)});
}

void Edits::insert(std::size_t offset, std::string text) {
    edits_.push_back({offset, offset, std::move(text)});
}

void Edits::erase(const guestxml::Node& element) {
    replace(element.whole, {});
}

void Edits::erase(const guestxml::Attribute& attribute) {
    std::size_t start = attribute.name_at.offset;
    while (start > 0 &&
           std::string_view(" \t\r\n").find(document_[start - 1]) != std::string_view::npos) {
        --start;
    }
    const std::size_t quote = std::size_t{attribute.value_at.offset} + attribute.value_at.length;
    edits_.push_back({start, std::min(quote + 1, document_.size()), {}});
}

std::string Edits::apply() {
    std::vector<Edit> sorted = edits_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const Edit& a, const Edit& b) {
        return a.start < b.start || (a.start == b.start && a.end > b.end);
    });
    applied_.clear();
    result_.clear();
    std::size_t at = 0;
    for (Edit& edit : sorted) {
        if (edit.start < at) {
            continue;
        }
        result_ += document_.substr(at, edit.start - at);
        result_ += edit.text;
        at = edit.end;
        applied_.push_back(std::move(edit));
    }
    result_ += document_.substr(at);
    return result_;
}

std::size_t Edits::original(long line, long column) const {
    std::size_t offset = 0;
    for (long i = 1; i < line; ++i) {
        offset = std::min(result_.find('\n', offset), result_.size() - 1) + 1;
    }
    offset += static_cast<std::size_t>(std::max(column, 1L)) - 1;
    std::size_t in_result = 0, in_document = 0;
    for (const Edit& edit : applied_) {
        const std::size_t start = in_result + (edit.start - in_document);
        if (offset < start) {
            break;
        }
        if (offset < start + edit.text.size()) {
            return edit.start;
        }
        in_result = start + edit.text.size();
        in_document = edit.end;
    }
    return std::min(in_document + (offset - in_result), document_.size());
}

} // namespace mshv::foreign
