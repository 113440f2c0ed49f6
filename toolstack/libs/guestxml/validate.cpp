// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/validate.hpp"

#include "toolstack/libs/guestxml/hints.hpp"
#include "toolstack/libs/guestxml/suggest.hpp"
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/guestxml/value.hpp"

#include <algorithm>

namespace mshv::guestxml {
namespace {

constexpr std::string_view qemu_namespace = "http://libvirt.org/schemas/domain/qemu/1.0";

std::string tag(std::string_view name) {
    return "<" + std::string(name) + ">";
}

class Validator {
public:
    Validator(std::string_view document, const ParseOptions& options, Report& report, Build& build)
        : document_(document), options_(options), report_(report), build_(build) {}

    bool root(const Node& node) {
        domain_ = node.name == "domain";
        if ((!domain_ && node.name != "partition") || !node.space.empty()) {
            wrong_root(node);
            return false;
        }
        const ElementRule& rule = grammar();
        attributes(node, rule);
        if (!trimmed(node.text).empty()) {
            stray_text(node);
        }
        children(node, rule);
        return true;
    }

private:
    void wrong_root(const Node& node) {
        const std::string_view name = node.local_name();
        if (!node.space.empty() && (name == "partition" || name == "domain")) {
            report_.error("E-ROOT", Spot::of(node), "the root element is in a namespace",
                          "delete xmlns='…'");
            return;
        }
        std::string hint = did_you_mean(name, {"partition", "domain"});
        if (hint.empty()) {
            hint = "a guest document is a <partition> or libvirt's <domain>";
        }
        report_.error("E-ROOT", Spot::of(node), "this is a " + tag(node.name) + ", not a partition",
                      hint);
    }

    void element(const Node& node, const ElementRule& rule) {
        const Row& row = *rule.row;
        if (!row.accepted()) {
            refuse(node, row);
            return;
        }
        if (row.support == Support::warned) {
            report_.warning("W-IGNORED", Spot::of(node),
                            tag(node.name) + ": " + std::string(row.reason));
            return;
        }
        if (row.type == Type::any && rule.attributes.empty()) {
            return;
        }
        if (dropped(node, rule)) {
            return;
        }
        Value opened;
        opened.node = &node;
        const bool holds_text =
            row.type != Type::none && row.type != Type::flag && row.type != Type::any;
        if (row.set != nullptr && !holds_text) {
            row.set(build_, opened);
        }
        attributes(node, rule);
        if (holds_text) {
            text(node, row);
        } else if (row.type != Type::any && !trimmed(node.text).empty()) {
            stray_text(node);
        }
        if (row.type != Type::any) {
            children(node, rule);
        }
    }

    void refuse(const Node& node, const Row& row) {
        if (report_.full()) {
            report_.count();
            return;
        }
        if (row.support == Support::droppable && options_.compat_libvirt) {
            drop(node);
            return;
        }
        std::string hint = instead_hint(row);
        if (row.support == Support::droppable) {
            hint = "--compat=libvirt drops it with a warning";
        }
        report_.error("E-UNSUPPORTED", Spot::of(node),
                      tag(node.name) + ": " + std::string(row.reason), hint);
    }

    void drop(const Node& node) {
        report_.warning("W-DROPPED", Spot::of(node),
                        tag(node.name) + " is dropped (--compat=libvirt)");
    }

    /// Elements that one of their words makes droppable: SPICE displays, channels, labels.
    bool dropped(const Node& node, const ElementRule& rule) {
        for (const Row* row : rule.attributes) {
            const Attribute* found =
                row->drop_words.empty() ? nullptr : node.attribute(row->name());
            if (found == nullptr || !has_word(row->drop_words, found->value)) {
                continue;
            }
            if (options_.compat_libvirt) {
                drop(node);
            } else {
                report_.error("E-UNSUPPORTED", Spot::value(node, *found),
                              tag(node.name) + " of type " + shown(found->value) +
                                  " is not in this release",
                              "--compat=libvirt drops it with a warning");
            }
            return true;
        }
        return false;
    }

    void attributes(const Node& node, const ElementRule& rule) {
        for (const Attribute& attribute : node.attributes) {
            const Row* row = attribute.foreign ? nullptr : rule.attribute(attribute.name);
            if (row == nullptr) {
                unknown_attribute(node, attribute, rule);
            } else {
                judge_attribute(node, attribute, *row);
            }
        }
        for (const Row* row : rule.attributes) {
            if (row->card == Card::one && row->accepted() &&
                node.attribute(row->name()) == nullptr) {
                report_.error("E-MISSING", Spot::of(node),
                              tag(node.name) + " needs the attribute '" + std::string(row->name()) +
                                  "'",
                              std::string(row->doc));
            }
        }
    }

    void judge_attribute(const Node& node, const Attribute& attribute, const Row& row) {
        if (!row.accepted()) {
            report_.error("E-UNSUPPORTED", Spot::name(node, attribute),
                          "'" + attribute.name + "': " + std::string(row.reason),
                          instead_hint(row));
            return;
        }
        Value value;
        value.node = &node;
        const auto scale = row.type == Type::size ? scale_of(node, row) : 1;
        if (!scale) {
            return;
        }
        if (const auto refusal = judge(row, attribute.value, *scale, value)) {
            if (!report_.full()) {
                refuse_value(Spot::value(node, attribute), *refusal, row);
            } else {
                report_.error(refusal->code, Spot::value(node, attribute), {});
            }
            return;
        }
        if (row.support == Support::warned) {
            report_.warning("W-IGNORED", Spot::value(node, attribute),
                            "'" + attribute.name + "': " + std::string(row.reason));
        }
        if (row.set != nullptr) {
            row.set(build_, value);
        }
    }

    void refuse_value(Spot spot, const Refusal& refusal, const Row& row) {
        std::string hint = refusal.hint;
        if (row.type == Type::number && hint.empty() && refusal.code == "E-TYPE") {
            hint = "digits alone";
        }
        report_.error(refusal.code, spot, refusal.message, hint);
    }

    /// Bytes of the unit that the element states; empty when it states none that is known, which
    /// its own row reports.
    static std::optional<std::uint64_t> scale_of(const Node& node, const Row& row) {
        const Attribute* unit = node.attribute("unit");
        return bytes_of_unit(unit == nullptr ? row.unit : trimmed(unit->value));
    }

    void text(const Node& node, const Row& row) {
        if (row.empty_allowed && trimmed(node.text).empty()) {
            return;
        }
        const bool may_be_blank = row.type == Type::text || row.type == Type::line;
        if (!may_be_blank && trimmed(node.text).empty()) {
            report_.error("E-TYPE", Spot::of(node), tag(node.name) + " is empty",
                          std::string(row.doc));
            return;
        }
        Value value;
        value.node = &node;
        const auto scale = row.type == Type::size ? scale_of(node, row) : 1;
        if (!scale) {
            return;
        }
        if (const auto refusal = judge(row, node.text, *scale, value)) {
            refuse_value(Spot::text(node), *refusal, row);
        } else if (row.set != nullptr) {
            row.set(build_, value);
        }
    }

    void stray_text(const Node& node) {
        report_.error("E-ELEMENT", Spot::text(node), tag(node.name) + " holds elements, not text");
    }

    void children(const Node& node, const ElementRule& rule) {
        if (rule.row != nullptr && rule.row->path == "devices" &&
            node.children.size() > Limits::devices) {
            report_.error("E-LIMIT", Spot::of(node.children[Limits::devices]),
                          "more than " + std::to_string(Limits::devices) + " devices");
            return;
        }
        std::vector<std::pair<const ElementRule*, const Node*>> once;
        for (const Node& child : node.children) {
            const ElementRule* found = rule_of(child, rule);
            if (found == nullptr) {
                continue;
            }
            if (found->row->card != Card::many) {
                const auto before = std::find_if(once.begin(), once.end(), [&](const auto& seen) {
                    return seen.first == found;
                });
                if (before != once.end()) {
                    duplicate(child, *before->second);
                    continue;
                }
                once.emplace_back(found, &child);
            }
            if (found->row->path == "metadata") {
                metadata(child);
            } else {
                element(child, *found);
            }
        }
        missing_children(node, rule, once);
    }

    void duplicate(const Node& node, const Node& first) {
        report_.error("E-DUP", Spot::of(node),
                      tag(node.name) + " is given twice; the first stands at " +
                          report_.place_text(Spot::of(first)),
                      "keep one of them");
    }

    void missing_children(const Node& node, const ElementRule& rule,
                          const std::vector<std::pair<const ElementRule*, const Node*>>& once) {
        for (const auto& child : rule.children) {
            if (child->row->card != Card::one || !child->row->accepted()) {
                continue;
            }
            const bool there = std::any_of(once.begin(), once.end(), [&](const auto& seen) {
                return seen.first == child.get();
            });
            if (!there) {
                report_.error("E-MISSING", Spot::of(node),
                              tag(node.name) + " needs " + tag(child->row->name()),
                              std::string(child->row->doc));
            }
        }
    }

    /// The rule of a child, or nothing after its unknown name was reported.
    const ElementRule* rule_of(const Node& child, const ElementRule& rule) {
        const bool own = child.space.empty() || (inside_own_ && child.space == own_namespace);
        const ElementRule* found = own ? rule.child(child.local_name()) : nullptr;
        if (found != nullptr && found->row->path == "vcpus" && child.children.empty()) {
            found = nullptr; // no list of processors but a slip of the pen for <vcpu>
        }
        if (found != nullptr && found->row->path == "mshv" && domain_) {
            report_.error("E-ELEMENT", Spot::of(child), "a <domain> holds no <mshv>",
                          "move its content to <metadata><m:partition xmlns:m='" +
                              std::string(own_namespace) + "'>");
            return nullptr;
        }
        if (found == nullptr) {
            unknown_element(child, rule);
        }
        return found;
    }

    void unknown_element(const Node& node, const ElementRule& rule) {
        if (report_.full()) {
            report_.error("E-ELEMENT", Spot::of(node), {});
            return;
        }
        if (node.space == qemu_namespace) {
            report_.error("E-UNSUPPORTED", Spot::of(node),
                          tag(node.name) + ": arguments of one's own for the VMM are not in this "
                                           "release");
            return;
        }
        const std::string_view name = node.local_name();
        const std::string where = rule.row == nullptr ? "a partition" : tag(rule.row->name());
        std::string hint;
        if (!node.space.empty()) {
            hint = "foreign elements stand in <metadata>";
        } else {
            hint = element_hint(name, rule);
        }
        report_.error("E-ELEMENT", Spot::of(node), where + " knows no " + tag(node.name), hint);
    }

    void unknown_attribute(const Node& node, const Attribute& attribute, const ElementRule& rule) {
        if (report_.full()) {
            report_.error("E-ATTR", Spot::name(node, attribute), {});
            return;
        }
        report_.error("E-ATTR", Spot::name(node, attribute),
                      tag(node.name) + " knows no attribute '" + attribute.name + "'",
                      attribute_hint(attribute.name, rule));
    }

    // ---- metadata ------------------------------------------------------------------------------

    void metadata(const Node& node) {
        const Node* own = nullptr;
        for (const Node& child : node.children) {
            if (child.space == own_namespace && child.local_name() == "partition") {
                own_settings(child, own);
            } else if (child.space.empty()) {
                report_.error("E-ELEMENT", Spot::of(child),
                              "elements in <metadata> are in a namespace, " + tag(child.name) +
                                  " is in none",
                              "add xmlns='urn:…' to it");
            } else {
                undeclared(child);
            }
        }
        if (!trimmed(node.text).empty()) {
            stray_text(node);
        }
        if (node.content.length > Limits::text) {
            report_.error("E-LIMIT", Spot::of(node), "<metadata> of more than 64 KiB");
        }
        build_.spec.metadata = kept(node, own);
    }

    void own_settings(const Node& node, const Node*& own) {
        if (!domain_) {
            report_.error("E-ELEMENT", Spot::of(node),
                          "a <partition> holds its own settings in <mshv>",
                          "move the content of " + tag(node.name) + " to <mshv>");
        } else if (own != nullptr) {
            duplicate(node, *own);
        } else {
            own = &node;
            inside_own_ = true;
            element(node, *grammar().child("mshv"));
            inside_own_ = false;
        }
    }

    /// What is kept byte for byte must not lean on declarations outside.
    void undeclared(const Node& node) {
        if (node.undeclared_here) {
            report_.error("E-ELEMENT", Spot::of(node),
                          "the namespace prefix of " + tag(node.name) +
                              " is declared outside <metadata>",
                          "declare it on the element itself: xmlns:…='…'");
            return;
        }
        for (const Node& child : node.children) {
            undeclared(child);
        }
    }

    [[nodiscard]] std::string kept(const Node& node, const Node* own) const {
        std::string bytes(document_.substr(node.content.offset, node.content.length));
        if (own != nullptr && own->whole.length > 0) {
            std::size_t start = own->whole.offset - node.content.offset;
            const std::size_t end = start + own->whole.length;
            const std::size_t before =
                bytes.find_last_not_of(" \t\r\n", start == 0 ? 0 : start - 1);
            start = start == 0 || before == std::string::npos ? 0 : before + 1;
            bytes.erase(start, end - start);
        }
        return trimmed(bytes).empty() ? std::string{} : bytes;
    }

    std::string_view document_;
    const ParseOptions& options_;
    Report& report_;
    Build& build_;
    bool domain_ = false;
    bool inside_own_ = false;
};

} // namespace

bool validate(const Node& root, std::string_view document, const ParseOptions& options,
              Report& report, Build& build) {
    return Validator(document, options, report, build).root(root);
}

} // namespace mshv::guestxml
