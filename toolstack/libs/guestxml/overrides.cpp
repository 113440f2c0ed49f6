// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/grammar.hpp"
#include "toolstack/libs/guestxml/suggest.hpp"
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/guestxml/validate.hpp"
#include "toolstack/libs/guestxml/value.hpp"

#include <array>
#include <charconv>

namespace mshv::guestxml {
namespace {

struct Word {
    std::string_view word, path;
};

// xl.cfg's words where it has one, else the element's own.
constexpr std::array<Word, 24> override_table{{
    {"name", "name"},
    {"uuid", "uuid"},
    {"title", "title"},
    {"description", "description"},
    {"type", "@type"},
    {"accel", "@type"},
    {"memory", "memory"},
    {"currentMemory", "currentMemory"},
    {"vcpus", "vcpu"},
    {"maxvcpus", "vcpu"},
    {"iothreads", "iothreads"},
    {"kernel", "os/kernel"},
    {"initrd", "os/initrd"},
    {"ramdisk", "os/initrd"},
    {"cmdline", "os/cmdline"},
    {"extra", "os/cmdline"},
    {"machine", "os/type/@machine"},
    {"firmware", "os/@firmware"},
    {"loader", "os/loader"},
    {"emulator", "devices/emulator"},
    {"on_poweroff", "on_poweroff"},
    {"on_reboot", "on_reboot"},
    {"on_crash", "on_crash"},
    {"autostart", "mshv/autostart/@enabled"},
}};

/// One part of a path: "disk[2]".
struct Step {
    std::string_view name;
    std::size_t index = 0; ///< 0 = not given
};

class Override {
public:
    Override(Node& root, int origin, std::string_view word, std::string_view value, Report& report)
        : root_(root), origin_(origin), word_(word), value_(value), report_(report) {}

    void apply() {
        std::string_view path = word_;
        for (const Word& known : override_table) {
            path = known.word == word_ ? known.path : path;
        }
        if (path.starts_with("/partition/") || path.starts_with("/domain/")) {
            path.remove_prefix(path.find('/', 1) + 1);
        }
        Node* node = &root_;
        const ElementRule* rule = &grammar();
        for (bool first = true; !path.empty(); first = false) {
            const std::size_t slash = std::min(path.find('/'), path.size());
            const std::string_view part = path.substr(0, slash);
            path.remove_prefix(std::min(slash + 1, path.size()));
            if (part.starts_with('@') && path.empty()) {
                set_attribute(*node, *rule, part.substr(1));
                return;
            }
            const auto step = read_step(part);
            if (!step) {
                fault("E-ELEMENT", shown(word_) + " is not a path",
                      "such as devices/disk[1]/source/@file");
                return;
            }
            const ElementRule* next = rule->child(step->name);
            if (next == nullptr || step->name == "*") {
                unknown(step->name, *rule, first);
                return;
            }
            node = descend(*node, *step);
            if (node == nullptr) {
                return;
            }
            rule = next;
        }
        set_text(*node, *rule);
    }

private:
    void fault(std::string_view code, std::string message, std::string hint = {}) {
        report_.override_error(code, origin_, std::move(message), std::move(hint));
    }

    static std::optional<Step> read_step(std::string_view part) {
        const std::size_t bracket = std::min(part.find('['), part.size());
        Step step{part.substr(0, bracket), 0};
        if (bracket < part.size()) {
            const std::string_view number = part.substr(bracket + 1);
            const auto [end, error] = std::from_chars(number.begin(), number.end(), step.index);
            if (error != std::errc{} || std::string_view(end, number.end()) != "]" ||
                step.index == 0) {
                return std::nullopt;
            }
        }
        return step.name.empty() ? std::nullopt : std::optional(step);
    }

    void unknown(std::string_view name, const ElementRule& rule, bool first) {
        std::vector<std::string_view> names =
            first ? override_words() : std::vector<std::string_view>{};
        for (const auto& child : rule.children) {
            if (child->row->accepted()) {
                names.push_back(child->row->name());
            }
        }
        fault("E-ELEMENT",
              first ? "there is no setting " + shown(name)
                    : "<" + std::string(rule.row->name()) + "> knows no " + shown(name),
              did_you_mean(name, names));
    }

    Node& make(Node& parent, std::string_view name) {
        Node& made = parent.children.emplace_back();
        made.name = name;
        made.origin = made.text_origin = origin_;
        return made;
    }

    /// <mshv> of a <partition>, or what stands for it in a <domain>.
    Node* own_settings() {
        if (root_.name != "domain") {
            return child_of(root_, {"mshv", 0});
        }
        Node* metadata = child_of(root_, {"metadata", 0});
        for (Node& child : metadata->children) {
            if (child.space == own_namespace) {
                return &child;
            }
        }
        Node& made = make(*metadata, "m:partition");
        made.space = own_namespace;
        return &made;
    }

    Node* descend(Node& node, Step step) {
        return &node == &root_ && step.name == "mshv" ? own_settings() : child_of(node, step);
    }

    Node* child_of(Node& node, Step step) {
        std::size_t count = 0;
        for (Node& child : node.children) {
            const bool same = child.local_name() == step.name;
            count += same ? 1 : 0;
            if (same && count == std::max<std::size_t>(step.index, 1)) {
                return &child;
            }
        }
        if (step.index > count + 1) {
            fault("E-RANGE", "there is no " + std::string(step.name) + "[" +
                                 std::to_string(step.index) + "]; the document has " +
                                 std::to_string(count));
            return nullptr;
        }
        return &make(node, step.name);
    }

    void set_attribute(Node& node, const ElementRule& rule, std::string_view name) {
        if (rule.attribute(name) == nullptr) {
            std::vector<std::string_view> names;
            names.reserve(rule.attributes.size());
            for (const Row* row : rule.attributes) {
                names.push_back(row->name());
            }
            fault("E-ATTR", "there is no attribute " + shown(name), did_you_mean(name, names));
            return;
        }
        put(node, name, value_);
    }

    void put(Node& node, std::string_view name, std::string_view value) {
        for (Attribute& attribute : node.attributes) {
            if (attribute.name == name) {
                attribute.value = value;
                attribute.origin = origin_;
                return;
            }
        }
        Attribute made;
        made.name = name;
        made.value = value;
        made.origin = origin_;
        node.attributes.push_back(std::move(made));
    }

    void set_text(Node& node, const ElementRule& rule) {
        node.text = value_;
        node.text_origin = origin_;
        if (rule.row != nullptr && rule.row->type == Type::size) {
            set_size(node);
        }
        if (word_ == "vcpus") { // all of them at boot, as the word says
            std::erase_if(node.attributes, [](const Attribute& a) { return a.name == "current"; });
        }
    }

    /// "512M": a number and its unit in one word.
    void set_size(Node& node) {
        const std::size_t digits = std::min(value_.find_first_not_of("0123456789"), value_.size());
        const std::string_view unit = trimmed(value_.substr(digits));
        if (digits > 0 && unit.empty()) {
            fault("E-UNIT", shown(value_) + " has no unit",
                  "write " + std::string(value_) + "M, " + std::string(value_) + "G …");
            unit_of(node, "MiB"); // so that the walk does not judge it again
        } else if (digits > 0 && !bytes_of_unit(unit)) {
            fault("E-UNIT", shown(unit) + " is not a unit",
                  "K, M, G, T (powers of 1024), KB, MB, GB, TB (powers of 1000)");
            node.text = value_.substr(0, digits);
            unit_of(node, "MiB");
        } else if (digits > 0) {
            node.text = value_.substr(0, digits);
            unit_of(node, unit);
        }
    }

    void unit_of(Node& node, std::string_view unit) { put(node, "unit", unit); }

    Node& root_;
    int origin_;
    std::string_view word_, value_;
    Report& report_;
};

} // namespace

std::vector<std::string_view> override_words() {
    std::vector<std::string_view> words;
    words.reserve(override_table.size());
    for (const Word& known : override_table) {
        words.push_back(known.word);
    }
    return words;
}

void apply_overrides(Node& root, const ParseOptions& options, Report& report) {
    for (std::size_t i = 0; i < options.overrides.size(); ++i) {
        const auto& [word, value] = options.overrides[i];
        if (word.empty()) {
            report.override_error("E-ELEMENT", static_cast<int>(i), "a setting has no name",
                                  "--set name=value");
            continue;
        }
        Override(root, static_cast<int>(i), word, value, report).apply();
    }
}

} // namespace mshv::guestxml
