// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/report.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace mshv::guestxml {
namespace {

int origin_of(Spot spot) {
    if (spot.attribute != nullptr) {
        return spot.attribute->origin;
    }
    return spot.part == Spot::Part::text ? spot.node->text_origin : spot.node->origin;
}

Place place_of(Spot spot) {
    switch (spot.part) {
    case Spot::Part::attribute_name:
        return spot.attribute->name_at;
    case Spot::Part::attribute_value:
        // An empty value is shown by its closing quote.
        return {spot.attribute->value_at.offset, std::max(spot.attribute->value_at.length, 1U)};
    case Spot::Part::text:
        return spot.node->text_at.length > 0 ? spot.node->text_at : spot.node->name_at;
    case Spot::Part::name:
        break;
    }
    return spot.node->name_at;
}

std::string step(const Node& node, const Node* parent) {
    std::size_t same = 0, index = 0;
    if (parent != nullptr) {
        for (const Node& sibling : parent->children) {
            same += sibling.name == node.name ? 1 : 0;
            index = &sibling == &node ? same : index;
        }
    }
    return "/" + node.name + (same > 1 ? "[" + std::to_string(index) + "]" : "");
}

bool find_path(const Node& from, const Node* parent, const Node& wanted, std::string& path) {
    if (&from == &wanted) {
        path = step(from, parent);
        return true;
    }
    for (const Node& child : from.children) {
        if (find_path(child, &from, wanted, path)) {
            path.insert(0, step(from, parent));
            return true;
        }
    }
    return false;
}

} // namespace

Spot Spot::value_or_name(const Node& node, std::string_view attribute) {
    const Attribute* found = node.attribute(attribute);
    return found == nullptr ? of(node) : value(node, *found);
}

std::string Report::xpath(Spot spot) const {
    std::string path;
    if (root_ != nullptr) {
        find_path(*root_, nullptr, *spot.node, path);
    }
    if (spot.attribute != nullptr) {
        path += "/@" + spot.attribute->name;
    }
    return path;
}

std::string Report::place_text(Spot spot) const {
    const int origin = origin_of(spot);
    if (origin >= 0) {
        return "--set " + options_.overrides[static_cast<std::size_t>(origin)].first;
    }
    const LineColumn at = lines_.of(place_of(spot).offset);
    return "line " + std::to_string(at.line) + ", column " + std::to_string(at.column);
}

void Report::add(std::string_view code, Spot spot, std::string message, std::string hint,
                 bool warning) {
    failed_ = failed_ || !warning;
    if (full()) {
        count();
        return;
    }
    api::Problem problem;
    problem.code = code;
    problem.message = std::move(message);
    problem.hint = std::move(hint);
    problem.warning = warning;
    const int origin = origin_of(spot);
    if (origin >= 0) {
        problem.where = "--set " + options_.overrides[static_cast<std::size_t>(origin)].first;
    } else {
        const Place place = place_of(spot);
        const LineColumn at = lines_.of(place.offset);
        problem.where = xpath(spot);
        problem.file = options_.file_name;
        problem.line = at.line;
        problem.column = at.column;
        problem.length = place.length;
    }
    problems_.push_back(std::move(problem));
}

void Report::fault(const ScanFault& fault) {
    const LineColumn at = lines_.of(fault.at.offset);
    failed_ = true;
    problems_.push_back({fault.limit ? "E-LIMIT" : "E-XML", "", fault.message, fault.hint,
                         options_.file_name, at.line, at.column, fault.at.length, false});
}

void Report::override_error(std::string_view code, int origin, std::string message,
                            std::string hint) {
    failed_ = true;
    api::Problem problem;
    problem.code = code;
    problem.where = "--set " + options_.overrides[static_cast<std::size_t>(origin)].first;
    problem.message = std::move(message);
    problem.hint = std::move(hint);
    problems_.push_back(std::move(problem));
}

std::vector<api::Problem> Report::take() {
    std::vector<std::size_t> order(problems_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::tuple(problems_[a].line, problems_[a].column, a) <
               std::tuple(problems_[b].line, problems_[b].column, b);
    });
    std::vector<api::Problem> sorted;
    sorted.reserve(order.size());
    for (const std::size_t index : order) {
        sorted.push_back(std::move(problems_[index]));
    }
    problems_ = std::move(sorted);
    const std::size_t most = std::max<std::size_t>(options_.most_problems, 1);
    if (problems_.size() > most) {
        uncounted_ += problems_.size() - most;
        problems_.resize(most);
    }
    if (uncounted_ > 0) {
        api::Problem note = problems_.back();
        note.code = failed_ ? "E-LIMIT" : "W-LIMIT";
        note.message = std::to_string(uncounted_) + " more problems are not listed";
        note.hint = "mend these first";
        note.warning = !failed_;
        problems_.push_back(std::move(note));
    }
    return std::move(problems_);
}

} // namespace mshv::guestxml
