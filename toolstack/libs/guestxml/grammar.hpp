// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/table.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::guestxml {

/// The table as a tree: an element, its attributes and what it may hold.
struct ElementRule {
    const Row* row = nullptr; ///< null for the root
    const ElementRule* parent = nullptr;
    std::vector<const Row*> attributes;
    std::vector<std::unique_ptr<ElementRule>> children;

    [[nodiscard]] const ElementRule* child(std::string_view name) const;
    [[nodiscard]] const Row* attribute(std::string_view name) const;
};

/// Is `name` among the row's names?
bool names_it(const Row& row, std::string_view name);

/// Made once from the table.
const ElementRule& grammar();
/// All rows, in the order of the table.
const std::vector<const Row*>& all_rows();

} // namespace mshv::guestxml
