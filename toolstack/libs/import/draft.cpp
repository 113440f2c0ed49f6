// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/draft.hpp"

#include "toolstack/libs/guestxml/escape.hpp"

#include <algorithm>

namespace mshv::foreign {
namespace {

using guestxml::escaped;
using guestxml::Place;

/// True when something below `element` was removed.
bool remove_below(Draft::Element& element, Origin origin) {
    bool removed = std::erase_if(element.attributes, [&](const Draft::Attribute& attribute) {
                       return attribute.origin == origin;
                   }) > 0;
    for (std::size_t i = 0; i < element.children.size();) {
        const Draft::Element& child = *element.children[i];
        removed = remove_below(*element.children[i], origin) || removed;
        if (child.origin == origin && (child.whole || child.children.empty())) {
            element.children.erase(element.children.begin() + static_cast<std::ptrdiff_t>(i));
            removed = true;
        } else {
            ++i;
        }
    }
    return removed;
}

/// Whose settings stand in `element`.
void collect(const Draft::Element& element, std::vector<Origin>& origins) {
    const auto add = [&](Origin origin) {
        if (std::find(origins.begin(), origins.end(), origin) == origins.end()) {
            origins.push_back(origin);
        }
    };
    if (element.whole || (element.children.empty() && element.attributes.empty())) {
        add(element.origin);
        return;
    }
    for (const Draft::Attribute& attribute : element.attributes) {
        add(attribute.origin);
    }
    for (const auto& child : element.children) {
        collect(*child, origins);
    }
}

} // namespace

Draft::Element& Draft::Element::add(std::string_view child, Origin by) {
    auto& made = *children.emplace_back(std::make_unique<Element>());
    made.name = child;
    made.origin = by;
    return made;
}

Draft::Element& Draft::Element::set(std::string_view attribute, std::string_view value, Origin by) {
    for (Attribute& known : attributes) {
        if (known.name == attribute) {
            known = {std::string(attribute), std::string(value), by};
            return *this;
        }
    }
    attributes.push_back({std::string(attribute), std::string(value), by});
    return *this;
}

Draft::Draft() {
    root_.name = "partition";
}

Draft::Element& Draft::at(std::string_view path, Origin by) {
    Element* element = &root_;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view step = path.substr(0, slash);
        const auto found = std::find_if(element->children.begin(), element->children.end(),
                                        [&](const auto& child) { return child->name == step; });
        element = found == element->children.end() ? &element->add(step, by) : found->get();
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return *element;
}

Draft::Element* Draft::find(std::string_view name) {
    const auto found = std::find_if(root_.children.begin(), root_.children.end(),
                                    [&](const auto& child) { return child->name == name; });
    return found == root_.children.end() ? nullptr : found->get();
}

Draft::Element& Draft::another(std::string_view path, Origin by) {
    const std::size_t slash = path.rfind('/');
    Element& parent = slash == std::string_view::npos ? root_ : at(path.substr(0, slash), by);
    Element& made = parent.add(path.substr(slash == std::string_view::npos ? 0 : slash + 1), by);
    made.whole = true;
    return made;
}

bool Draft::remove(Origin origin) {
    return remove_below(root_, origin);
}

std::string Draft::write() {
    std::string out;
    spans_.clear();
    write_element(root_, 0, out);
    lines_ = {0};
    for (std::size_t at = out.find('\n'); at != std::string::npos; at = out.find('\n', at + 1)) {
        lines_.push_back(at + 1);
    }
    return out;
}

void Draft::write_element(const Element& element, std::size_t depth, std::string& out) {
    const std::size_t start = out.size();
    out.append(2 * depth, ' ');
    out += "<" + element.name;
    for (const Attribute& attribute : element.attributes) {
        const std::size_t from = out.size();
        out += " " + attribute.name + "='" + escaped(attribute.value, Place::attribute) + "'";
        spans_.push_back({from, out.size(), attribute.origin, nullptr});
    }
    if (element.children.empty() && element.text.empty()) {
        out += "/>\n";
    } else if (element.children.empty()) {
        out += ">" + escaped(element.text, Place::content) + "</" + element.name + ">\n";
    } else {
        out += ">\n";
        for (const auto& child : element.children) {
            write_element(*child, depth + 1, out);
        }
        out.append(2 * depth, ' ');
        out += "</" + element.name + ">\n";
    }
    spans_.push_back({start, out.size(), element.origin, &element});
}

std::vector<Origin> Draft::origins_at(long line, long column, bool refused) const {
    if (line < 1 || static_cast<std::size_t>(line) > lines_.size()) {
        return {no_origin};
    }
    const std::size_t offset = lines_[static_cast<std::size_t>(line) - 1] +
                               static_cast<std::size_t>(std::max(column, 1L)) - 1;
    const Span* innermost = nullptr;
    for (const Span& span : spans_) {
        if (span.start <= offset && offset < span.end &&
            (innermost == nullptr || span.end - span.start < innermost->end - innermost->start)) {
            innermost = &span;
        }
    }
    if (innermost == nullptr) {
        return {no_origin};
    }
    std::vector<Origin> origins;
    if (refused && innermost->element != nullptr && innermost->element != &root_) {
        collect(*innermost->element, origins);
    }
    return origins.empty() ? std::vector<Origin>{innermost->origin} : origins;
}

} // namespace mshv::foreign
