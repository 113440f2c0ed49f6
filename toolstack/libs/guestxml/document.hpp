// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/scan.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mshv::guestxml {

/// No override: the thing stands in the document.
constexpr int from_document = -1;

struct Attribute {
    std::string name; ///< as written, with its prefix
    std::string value;
    Place name_at, value_at;
    bool foreign = false;       ///< in a namespace
    int origin = from_document; ///< or the index of the override that set it
};

/// An element as the document wrote it, or as an override made it.
struct Node {
    std::string name;  ///< as written, with its prefix
    std::string space; ///< its namespace; own elements have none
    std::string text;  ///< its text without its children's
    std::vector<Attribute> attributes;
    std::vector<Node> children;
    Place name_at, text_at, whole, content;
    int origin = from_document;
    int text_origin = from_document;
    bool undeclared_here = false; ///< uses a prefix declared above its outermost foreign ancestor

    [[nodiscard]] std::string_view local_name() const {
        const std::string_view all = name;
        const std::size_t colon = all.find(':');
        return colon == std::string_view::npos ? all : all.substr(colon + 1);
    }
    [[nodiscard]] const Attribute* attribute(std::string_view wanted) const;
    [[nodiscard]] const Node* child(std::string_view wanted) const;
};

struct Document {
    Node root;
    std::optional<ScanFault> fault; ///< when the bytes are no document; `root` is empty then
};

/// Scan and libxml2, joined. Takes neither files nor the network.
Document read_document(std::string_view bytes);

} // namespace mshv::guestxml
