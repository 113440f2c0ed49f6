// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/grammar.hpp"

#include <stdexcept>

namespace mshv::guestxml {
namespace {

std::string_view parent_path(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

class Planter {
public:
    explicit Planter(ElementRule& root) { open_.push_back(&root); }

    void add(const Row& row) {
        const std::string_view parent = parent_path(row.path);
        while (path_of(*open_.back()) != parent) {
            if (open_.size() == 1) {
                throw std::logic_error("element table: no parent before " + std::string(row.path));
            }
            open_.pop_back();
        }
        if (row.is_attribute()) {
            open_.back()->attributes.push_back(&row);
            return;
        }
        auto& made = open_.back()->children.emplace_back(std::make_unique<ElementRule>());
        made->row = &row;
        made->parent = open_.back();
        open_.push_back(made.get());
    }

private:
    static std::string_view path_of(const ElementRule& rule) {
        return rule.row == nullptr ? std::string_view{} : rule.row->path;
    }
    std::vector<ElementRule*> open_;
};

} // namespace

bool names_it(const Row& row, std::string_view name) {
    std::string_view rest = row.name();
    for (;;) {
        const std::size_t bar = rest.find('|');
        if (rest.substr(0, bar) == name) {
            return true;
        }
        if (bar == std::string_view::npos) {
            return false;
        }
        rest.remove_prefix(bar + 1);
    }
}

const ElementRule* ElementRule::child(std::string_view name) const {
    for (const auto& candidate : children) {
        if (names_it(*candidate->row, name)) {
            return candidate.get();
        }
    }
    if (row != nullptr && row->repeats_itself && names_it(*row, name)) {
        return this;
    }
    if (parent != nullptr && parent->row != nullptr && parent->row->path == "devices") {
        const ElementRule* any = parent->child("*");
        return any == this ? nullptr : any->child(name);
    }
    return nullptr;
}

const Row* ElementRule::attribute(std::string_view name) const {
    for (const Row* candidate : attributes) {
        if (names_it(*candidate, name)) {
            return candidate;
        }
    }
    return nullptr;
}

const std::vector<const Row*>& all_rows() {
    static const std::vector<const Row*> rows = [] {
        std::vector<const Row*> all;
        all.reserve(512);
        for (const auto part :
             {general_rows(), cpu_rows(), os_rows(), disk_rows(), interface_rows(),
              character_rows(), other_device_rows(), mshv_rows()}) {
            for (const Row& row : part) {
                all.push_back(&row);
            }
        }
        return all;
    }();
    return rows;
}

const ElementRule& grammar() {
    static const std::unique_ptr<const ElementRule> root = [] {
        auto made = std::make_unique<ElementRule>();
        Planter planter(*made);
        for (const Row* row : all_rows()) {
            planter.add(*row);
        }
        return made;
    }();
    return *root;
}

} // namespace mshv::guestxml
