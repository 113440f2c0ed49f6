// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/grammar.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/libs/guestxml/text.hpp"

#include <algorithm>

namespace mshv::guestxml {
namespace {

constexpr std::string_view head = R"(<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by mshv-schema-gen from the element table of toolstack/libs/guestxml; do not edit. -->
<grammar xmlns="http://relaxng.org/ns/structure/1.0"
         datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
  <start>
    <ref name="partition"/>
  </start>
  <define name="anything">
    <zeroOrMore>
      <choice>
        <attribute><anyName/></attribute>
        <text/>
        <element><anyName/><ref name="anything"/></element>
      </choice>
    </zeroOrMore>
  </define>
)";

std::string define_name(const ElementRule& rule) {
    if (rule.row == nullptr) {
        return "partition";
    }
    std::string name = "partition." + std::string(rule.row->path);
    std::replace(name.begin(), name.end(), '/', '.');
    return name;
}

std::string pattern(std::string_view type, std::string_view expression) {
    return "<data type=\"" + std::string(type) + "\"><param name=\"pattern\">" +
           std::string(expression) + "</param></data>";
}

std::string word_choice(std::string_view words) {
    std::string out = "<choice>";
    for (const std::string_view word : words_in(words)) {
        out += "<value>" + std::string(word) + "</value>";
    }
    return out + "</choice>";
}

std::string bounds(const Row& row) {
    return "<data type=\"nonNegativeInteger\"><param name=\"minInclusive\">" +
           std::to_string(row.low) + "</param><param name=\"maxInclusive\">" +
           std::to_string(row.high) + "</param></data>";
}

/// What the schema can say of a value: no more than the parser accepts, and less where a value's
/// meaning hangs on another.
std::string value_of(const Row& row) {
    switch (row.type) {
    case Type::choice:
        return row.empty_allowed ? word_choice(row.words).insert(8, "<value/>")
                                 : word_choice(row.words);
    case Type::choices:
        return "<list><oneOrMore>" + word_choice(row.words) + "</oneOrMore></list>";
    case Type::yes_no:
        return word_choice("yes no");
    case Type::on_off:
        return word_choice("on off");
    case Type::number:
        return bounds(row);
    case Type::size:
        return "<data type=\"nonNegativeInteger\"/>";
    case Type::unit:
        return pattern("token", "[bB]|[bB][yY][tT][eE][sS]?|[kKmMgGtTpPeE]([iI]?[bB])?");
    case Type::path:
        return pattern("token", "/.*");
    case Type::mac:
        return pattern("token", "[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");
    case Type::uuid:
        return pattern("token", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
    case Type::name:
        return pattern("token", "[A-Za-z0-9][A-Za-z0-9._+\\-]{0,63}");
    case Type::token:
        return pattern("token", "[A-Za-z0-9][A-Za-z0-9._:+\\-]*");
    case Type::version:
        return pattern("token", "[0-9]+(\\.[0-9]+){0,2}");
    case Type::cpus:
        return pattern("token", "\\^?[0-9]+(-[0-9]+)?(,\\^?[0-9]+(-[0-9]+)?)*");
    case Type::none:
    case Type::flag:
        return "<empty/>";
    case Type::text:
    case Type::line:
    case Type::any:
        break;
    }
    return "<text/>";
}

bool described(const ElementRule& rule) {
    return rule.row->accepted() && rule.row->name() != "*";
}

std::string occurring(const std::string& what, Card card) {
    switch (card) {
    case Card::one:
        return what;
    case Card::many:
        return "<zeroOrMore>" + what + "</zeroOrMore>";
    case Card::optional:
        break;
    }
    return "<optional>" + what + "</optional>";
}

std::string reference(const ElementRule& rule) {
    return occurring("<ref name=\"" + define_name(rule) + "\"/>", rule.row->card);
}

std::string any_element(std::string_view name) {
    return "<optional><element name=\"" + std::string(name) +
           "\"><ref name=\"anything\"/></element></optional>";
}

void children_of(const ElementRule& rule, std::vector<std::string>& out) {
    for (const auto& child : rule.children) {
        if (described(*child)) {
            out.push_back(reference(*child));
        }
    }
    if (rule.row != nullptr && rule.row->repeats_itself) {
        out.push_back(reference(rule));
    }
    const ElementRule* parent = rule.parent;
    if (parent != nullptr && parent->row != nullptr && parent->row->path == "devices" &&
        rule.row->name() != "emulator") {
        for (const auto& common : parent->child("*")->children) {
            const auto own = [&](const auto& child) {
                return names_it(*child->row, common->row->name());
            };
            if (std::none_of(rule.children.begin(), rule.children.end(), own)) {
                out.push_back(any_element(common->row->name()));
            }
        }
    }
}

void define(const ElementRule& rule, std::string& out) {
    out += "  <define name=\"" + define_name(rule) + "\">\n";
    const std::string name = rule.row == nullptr ? "partition" : std::string(rule.row->name());
    out += "    <element name=\"" + name + "\">\n";
    const bool foreign = rule.row != nullptr && rule.row->type == Type::any;
    if (foreign && rule.row->path == "metadata") {
        out += "      <zeroOrMore><element><anyName><except><nsName ns=\"\"/></except></anyName>"
               "<ref name=\"anything\"/></element></zeroOrMore>\n";
    } else if (foreign && rule.attributes.empty()) {
        out += "      <ref name=\"anything\"/>\n";
    } else {
        for (const Row* row : rule.attributes) {
            if (row->accepted()) {
                const Card card = row->card == Card::one ? Card::one : Card::optional;
                out += "      " +
                       occurring("<attribute name=\"" + std::string(row->name()) + "\">" +
                                     value_of(*row) + "</attribute>",
                                 card) +
                       "\n";
            }
        }
        std::vector<std::string> inside;
        children_of(rule, inside);
        if (inside.empty()) {
            out += "      " + (rule.row == nullptr ? "<empty/>" : value_of(*rule.row)) + "\n";
        } else {
            out += "      <interleave>\n";
            for (const std::string& child : inside) {
                out += "        " + child + "\n";
            }
            out += "      </interleave>\n";
        }
    }
    out += "    </element>\n  </define>\n";
    for (const auto& child : rule.children) {
        if (described(*child)) {
            define(*child, out);
        }
    }
}

// ---- manual -------------------------------------------------------------------------------------

std::string scdoc(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '_' || c == '*' || c == '\\' || c == '#' || c == '~') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

std::string commas(std::string_view words) {
    std::string out;
    for (const std::string_view word : words_in(words)) {
        out += (out.empty() ? "" : ", ") + std::string(word);
    }
    return out;
}

std::string range(const Row& row) {
    constexpr std::uint64_t unbounded = std::numeric_limits<std::int64_t>::max();
    const std::string unit = row.unit.empty() ? "" : " " + std::string(row.unit);
    if (row.high == unbounded) {
        return "number" + unit;
    }
    return row.low == row.high ? std::to_string(row.low)
                               : std::to_string(row.low) + " to " + std::to_string(row.high) + unit;
}

std::string type_text(const Row& row) {
    switch (row.type) {
    case Type::none:
        return "";
    case Type::flag:
        return "flag";
    case Type::text:
        return "text, at most " + std::to_string(row.high) + " bytes";
    case Type::line:
        return "one line, at most " + std::to_string(row.high) + " bytes";
    case Type::name:
        return "name";
    case Type::uuid:
        return "UUID";
    case Type::choice:
        return commas(row.words);
    case Type::choices:
        return "some of " + commas(row.words);
    case Type::yes_no:
        return "yes, no";
    case Type::on_off:
        return "on, off";
    case Type::number:
        return range(row);
    case Type::size:
        return "number, in " + std::string(row.unit) + " without unit";
    case Type::unit:
        return "b, KiB, MiB, GiB, TiB, KB, MB, GB, TB; K, M, G, T as KiB …";
    case Type::path:
        return "absolute path";
    case Type::mac:
        return "MAC address";
    case Type::token:
        return "word";
    case Type::version:
        return "version";
    case Type::cpus:
        return "processors of the host: 0-3,7 or 0-7,^2";
    case Type::any:
        return "anything";
    }
    return "";
}

void manual_row(const Row& row, std::string& out) {
    out += "*" + scdoc(row.path) + "*";
    const std::string type = type_text(row);
    out += type.empty() ? "" : " (" + scdoc(type) + ")";
    out += "\n\t" + scdoc(row.doc) + ".";
    if (row.card == Card::one) {
        out += " Required.";
    } else if (row.card == Card::many) {
        out += " May be repeated.";
    }
    if (!row.def.empty()) {
        out += " Default: " + scdoc(row.def) + ".";
    }
    if (row.support == Support::warned) {
        out += " Accepted with a warning: " + scdoc(row.reason) + ".";
    }
    out += "\n\n";
}

} // namespace

std::string relax_ng() {
    std::string out(head);
    define(grammar(), out);
    return out + "</grammar>\n";
}

std::string manual_table() {
    std::string out;
    for (const Row* row : all_rows()) {
        if (row->accepted() && !row->doc.empty()) {
            manual_row(*row, out);
        }
    }
    out += "# KNOWN AND REFUSED\n\n"
           "These are understood and refused by name. *--compat=libvirt* drops those with a star, "
           "with a\nwarning each.\n\n";
    for (const Row* row : all_rows()) {
        if (!row->accepted()) {
            std::string names(row->path);
            for (std::size_t bar = names.find('|'); bar != std::string::npos;
                 bar = names.find('|', bar)) {
                names.replace(bar, 1, ", ");
            }
            out += "*" + scdoc(names) + "*" + (row->support == Support::droppable ? " (\\*)" : "") +
                   "\n\t" + scdoc(row->reason) + ".\n\n";
        }
    }
    return out;
}

} // namespace mshv::guestxml
