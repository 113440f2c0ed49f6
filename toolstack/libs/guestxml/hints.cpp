// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/hints.hpp"

#include "toolstack/libs/guestxml/suggest.hpp"

#include <array>

namespace mshv::guestxml {
namespace {

/// Words that people bring along from other tools.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> other_words{{
    {"ram", "memory"},
    {"mem", "memory"},
    {"cpus", "vcpu"},
    {"nic", "interface"},
    {"network", "interface"},
    {"vif", "interface"},
    {"cdrom", "disk"},
    {"drive", "disk"},
    {"ramdisk", "initrd"},
    {"extra", "cmdline"},
    {"append", "cmdline"},
    {"vnc", "graphics"},
    {"bios", "os"},
    {"autostart", "mshv"},
}};

std::string tag(std::string_view name) {
    return "<" + std::string(name) + ">";
}

std::vector<std::string_view> accepted_children(const ElementRule& rule) {
    std::vector<std::string_view> names;
    for (const auto& child : rule.children) {
        if (child->row->accepted() && child->row->name() != "*") {
            names.push_back(child->row->name());
        }
    }
    return names;
}

std::vector<std::string_view> accepted_attributes(const ElementRule& rule) {
    std::vector<std::string_view> names;
    for (const Row* row : rule.attributes) {
        if (row->accepted()) {
            names.push_back(row->name());
        }
    }
    return names;
}

/// "<x> stands in /partition/a/b", for a name that is right in another place.
std::string elsewhere(std::string_view name, bool attribute, std::string_view near) {
    const Row* found = nullptr;
    for (const Row* row : all_rows()) {
        const bool inside = found == nullptr || (row->path.starts_with(near) && !near.empty() &&
                                                 !found->path.starts_with(near));
        if (row->is_attribute() == attribute && row->accepted() && inside && row->name() == name &&
            row->name() != "*") {
            found = row;
        }
    }
    if (found == nullptr) {
        return {};
    }
    const std::size_t slash = found->path.rfind('/');
    const std::string parent =
        slash == std::string_view::npos ? "" : "/" + std::string(found->path.substr(0, slash));
    return attribute ? "the attribute '" + std::string(name) + "' belongs to /partition" + parent
                     : tag(name) + " stands in /partition" + parent;
}

} // namespace

std::string element_hint(std::string_view name, const ElementRule& rule) {
    for (const auto& [theirs, ours] : other_words) {
        if (theirs == name && rule.child(ours) != nullptr) {
            return "did you mean '" + std::string(ours) + "'?";
        }
    }
    const std::string_view near = nearest(name, accepted_children(rule));
    std::string moved = elsewhere(name, false, rule.row == nullptr ? "" : rule.row->path);
    if (!near.empty() && (moved.empty() || edit_distance(name, near) < 2)) {
        return "did you mean '" + std::string(near) + "'?";
    }
    if (moved.empty() && rule.attribute(name) != nullptr) {
        return "'" + std::string(name) + "' is an attribute here: " + std::string(name) + "='…'";
    }
    return moved;
}

std::string attribute_hint(std::string_view name, const ElementRule& rule) {
    std::string hint = did_you_mean(name, accepted_attributes(rule));
    const ElementRule* child = rule.child(name);
    if (hint.empty() && child != nullptr && child->row->accepted()) {
        hint = "'" + std::string(name) + "' is an element here: " + tag(name);
    }
    if (hint.empty()) {
        const std::string_view path = rule.row == nullptr ? "" : rule.row->path;
        hint = elsewhere(name, true, path);
    }
    return hint;
}

std::string instead_hint(const Row& row) {
    std::string instead(row.instead);
    if (instead.empty()) {
        return {};
    }
    const bool markup = instead.front() == '<' || instead.find('=') != std::string::npos;
    if (!markup && instead.find(' ') != std::string::npos) {
        return instead; // a sentence
    }
    return markup ? "use " + instead : "use '" + instead + "'";
}

} // namespace mshv::guestxml
