// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::guestxml {

/// Bytes of the document.
struct Place {
    std::uint32_t offset = 0, length = 0;
};

struct ScannedAttribute {
    Place name, value; ///< value: between the quotes
};

struct ScannedElement {
    Place name;
    Place text;    ///< the first piece of text that is not blank, trimmed; length 0 = none
    Place whole;   ///< from '<' to behind the end tag
    Place content; ///< between the tags; length 0 for <x/>
    std::uint32_t first_attribute = 0, attribute_count = 0;
};

struct ScanFault {
    bool limit = false; ///< E-LIMIT, else E-XML
    Place at;
    std::string message, hint;
};

struct Limits {
    static constexpr std::size_t document = std::size_t{256} * 1024;
    static constexpr std::size_t depth = 32;
    static constexpr std::size_t attributes = 64; ///< of one element
    static constexpr std::size_t elements = 4096;
    static constexpr std::size_t text = std::size_t{64} * 1024; ///< one text or attribute value
    static constexpr std::size_t name = 128;
    static constexpr std::size_t devices = 256;
};

/// What the bytes hold, in document order: elements by their start tags, attributes beside them.
struct Scan {
    std::vector<ScannedElement> elements;
    std::vector<ScannedAttribute> attributes;
    std::optional<ScanFault> fault; ///< where reading ended, if before the end
};

/// Reads a strict subset of XML 1.0: UTF-8, one root, no DOCTYPE, no processing instruction but the
/// declaration, no entity but the five, no control characters. Linear in the document's size.
Scan scan(std::string_view document);

/// 1-based line and byte column of an offset.
struct LineColumn {
    long line = 1, column = 1;
};

class LineTable {
public:
    explicit LineTable(std::string_view document);
    [[nodiscard]] LineColumn of(std::size_t offset) const;

private:
    std::vector<std::uint32_t> starts_;
};

} // namespace mshv::guestxml
