// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/accept.hpp"
#include "toolstack/libs/import/import.hpp"
#include "toolstack/libs/import/libvirt_rules.hpp"
#include "toolstack/libs/import/problems.hpp"

#include <algorithm>

namespace mshv::foreign {
namespace {

using guestxml::Node;

constexpr std::size_t all_problems = 4096;

bool within(guestxml::Place place, std::size_t offset) {
    return place.offset <= offset && offset < std::size_t{place.offset} + place.length;
}

/// "disk[2]" among several of the name, else "disk".
std::string step(const Node& node, const Node& parent) {
    std::size_t same = 0, index = 0;
    for (const Node& sibling : parent.children) {
        same += sibling.name == node.name ? 1 : 0;
        index = &sibling == &node ? same : index;
    }
    return node.name + (same > 1 ? "[" + std::to_string(index) + "]" : "");
}

/// What stands at a byte of the document: the innermost element, and its attribute.
LibvirtSpot spot_at(const Node& root, std::size_t offset) {
    LibvirtSpot spot{&root, nullptr, ""};
    for (bool deeper = true; deeper;) {
        deeper = false;
        for (const Node& child : spot.node->children) {
            if (within(child.whole, offset)) {
                spot.path += (spot.path.empty() ? "" : "/") + step(child, *spot.node);
                spot.node = &child;
                deeper = true;
                break;
            }
        }
    }
    for (const guestxml::Attribute& attribute : spot.node->attributes) {
        if (within(attribute.name_at, offset) || within(attribute.value_at, offset) ||
            attribute.value_at.offset == offset) {
            spot.attribute = &attribute;
            spot.path += (spot.path.empty() ? "@" : "/@") + attribute.name;
        }
    }
    return spot;
}

/// What is left out when a fault at `spot` is accepted: an attribute whose name is refused, an
/// element, and where a value is refused all that it describes, since without it that would be
/// another thing.
LibvirtSpot unit_of(const Node& root, LibvirtSpot spot, std::size_t offset) {
    if (spot.attribute == nullptr || within(spot.attribute->name_at, offset)) {
        return spot;
    }
    const Node* devices = root.child("devices");
    if (devices != nullptr && spot.path.starts_with("devices/")) {
        for (const Node& child : devices->children) {
            if (within(child.whole, spot.node->name_at.offset)) {
                return {&child, nullptr, "devices/" + step(child, *devices)};
            }
        }
    }
    const std::size_t slash = spot.path.rfind("/@");
    return {spot.node, nullptr, slash == std::string::npos ? "" : spot.path.substr(0, slash)};
}

class Importer : public LibvirtReport {
public:
    Importer(std::string_view document, const ImportOptions& options)
        : document_(document), options_(options), lines_(document), edits_(document) {
        parse_.file_name = options.file_name;
        parse_.compat_libvirt = options.compat_libvirt;
        parse_.overrides = options.overrides;
        parse_.most_problems = all_problems;
    }

    Imported run() {
        Imported made;
        guestxml::Document read = guestxml::read_document(document_);
        if (read.fault || read.root.name != "domain") {
            return refused(read);
        }
        root_ = &read.root;
        apply_libvirt_rules(*root_, options_, edits_, *this);
        for (;;) {
            guestxml::ParseResult result = guestxml::parse(edits_.apply(), parse_);
            if (leave_out(result.problems)) {
                continue;
            }
            for (const api::Problem& problem : result.problems) {
                verdict(problem);
            }
            made.spec = std::move(result.spec);
            break;
        }
        if (failed_) {
            made.spec.reset();
        }
        made.problems = in_order(std::move(problems_), options_.most_problems);
        return made;
    }

    void note(const LibvirtSpot& spot, std::string message, std::string hint) override {
        add("W-LOSS", spot, std::move(message), std::move(hint), true);
    }

    void error(const LibvirtSpot& spot, std::string message, std::string hint) override {
        add("E-LOSS", spot, std::move(message), std::move(hint), false);
    }

    bool loses(const LibvirtSpot& spot, const std::string& message,
               const std::string& instead) override {
        if (accepts(options_.accepted, spot.path)) {
            add("W-LOSS", spot, message, "accepted", true);
            return true;
        }
        add("E-LOSS", spot, message, "--accept=" + spot.path + " " + instead, false);
        return false;
    }

private:
    Imported refused(const guestxml::Document& read) const {
        guestxml::ParseOptions parse = parse_;
        parse.most_problems = options_.most_problems;
        Imported made;
        made.problems = guestxml::parse(document_, parse).problems;
        if (!read.fault && read.root.name == "partition") {
            const auto at = lines_.of(read.root.name_at.offset);
            made.problems.insert(made.problems.begin(),
                                 {"E-ROOT", "/partition", "this is guest XML already",
                                  "mshvctl define takes it", options_.file_name, at.line, at.column,
                                  read.root.name_at.length, false});
        }
        return made;
    }

    /// Takes away what is refused and accepted; true when there was something.
    bool leave_out(const std::vector<api::Problem>& problems) {
        bool removed = false;
        for (const api::Problem& problem : problems) {
            if (problem.warning || problem.line == 0) {
                continue;
            }
            const std::size_t offset = edits_.original(problem.line, problem.column);
            const LibvirtSpot spot = unit_of(*root_, spot_at(*root_, offset), offset);
            if (spot.node == root_ || !accepts(options_.accepted, spot.path) ||
                std::find(gone_.begin(), gone_.end(), spot.path) != gone_.end()) {
                continue;
            }
            gone_.push_back(spot.path);
            spot.attribute != nullptr ? edits_.erase(*spot.attribute) : edits_.erase(*spot.node);
            add("W-LOSS", spot, problem.message, "accepted: it is left out", true);
            removed = true;
        }
        return removed;
    }

    void verdict(const api::Problem& problem) {
        failed_ = failed_ || !problem.warning;
        if (problem.line == 0) {
            problems_.push_back(problem);
            return;
        }
        api::Problem placed = problem;
        const std::size_t offset = edits_.original(problem.line, problem.column);
        const auto at = lines_.of(offset);
        placed.line = at.line;
        placed.column = at.column;
        const LibvirtSpot spot = spot_at(*root_, offset);
        if (!problem.warning && spot.node != root_) {
            const LibvirtSpot unit = unit_of(*root_, spot, offset);
            placed.hint += std::string(placed.hint.empty() ? "" : "; or ") +
                           "--accept=" + unit.path + " leaves it out";
        }
        if (!spot.path.empty()) {
            placed.where = "/domain/" + spot.path;
        }
        problems_.push_back(std::move(placed));
    }

    void add(std::string_view code, const LibvirtSpot& spot, std::string message, std::string hint,
             bool warning) {
        failed_ = failed_ || !warning;
        const guestxml::Place place = spot.attribute == nullptr ? spot.node->name_at
                                      : spot.attribute->value_at.length == 0
                                          ? spot.attribute->name_at
                                          : spot.attribute->value_at;
        const auto at = lines_.of(place.offset);
        problems_.push_back({std::string(code), "/domain/" + spot.path, std::move(message),
                             std::move(hint), options_.file_name, at.line, at.column, place.length,
                             warning});
    }

    std::string_view document_;
    const ImportOptions& options_;
    guestxml::LineTable lines_;
    guestxml::ParseOptions parse_;
    Edits edits_;
    const Node* root_ = nullptr;
    std::vector<std::string> gone_;
    std::vector<api::Problem> problems_;
    bool failed_ = false;
};

} // namespace

Imported import_libvirt(std::string_view document, const ImportOptions& options) {
    return Importer(document, options).run();
}

} // namespace mshv::foreign
