// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/document.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::foreign {

/// Changes to the bytes of a document, and the way back from a place in the result. The document
/// must outlive it.
class Edits {
public:
    explicit Edits(std::string_view document) : document_(document) {}

    void replace(guestxml::Place at, std::string text);
    void insert(std::size_t offset, std::string text);
    /// With the end tag and what is between.
    void erase(const guestxml::Node& element);
    /// With the blanks in front of it.
    void erase(const guestxml::Attribute& attribute);

    /// The document with all changes; one inside another's range is left out.
    std::string apply();
    /// Where the byte at `line` and `column` of the last result stands in the document.
    [[nodiscard]] std::size_t original(long line, long column) const;

private:
    struct Edit {
        std::size_t start, end;
        std::string text;
    };

    std::string_view document_;
    std::vector<Edit> edits_;
    std::vector<Edit> applied_; ///< sorted, none inside another
    std::string result_;
};

} // namespace mshv::foreign
