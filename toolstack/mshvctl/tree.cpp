// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/tree.hpp"

#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/json.hpp"
#include "toolstack/mshvctl/output/table.hpp"

#include <algorithm>

namespace mshv::ctl {
namespace {

std::string_view kind_name(ValueKind kind) {
    switch (kind) {
    case ValueKind::text:
        return "text";
    case ValueKind::number:
        return "number";
    case ValueKind::duration:
        return "duration";
    case ValueKind::file:
        return "file";
    case ValueKind::partition:
        return "partition";
    case ValueKind::choice:
        return "choice";
    }
    return "text";
}

void write_words(JsonWriter& json, std::string_view key, std::span<const std::string_view> words) {
    json.key(key).begin_array();
    for (const auto word : words) {
        json.text(word);
    }
    json.end_array();
}

void write_options(JsonWriter& json, std::string_view key, const Arguments& arguments) {
    json.key(key).begin_array();
    for (const auto& option : arguments.options()) {
        json.begin_object();
        write_words(json, "names", option.names);
        json.field("value", option.value).field("kind", kind_name(option.kind));
        write_words(json, "choices", option.choices);
        json.key("repeatable").boolean(option.repeatable).field("help", option.help);
        json.end_object();
    }
    json.end_array();
}

void write_verb(JsonWriter& json, const Verb& verb) {
    const Arguments arguments = declaration_of(verb);
    json.begin_object().field("name", verb.name).field("group", verb.group);
    json.field("summary", verb.summary).field("description", verb.description);
    json.key("hidden").boolean(verb.hidden);
    write_options(json, "options", arguments);
    json.key("arguments").begin_array();
    for (const auto& positional : arguments.positionals()) {
        json.begin_object().field("name", positional.name);
        json.field("kind", kind_name(positional.kind));
        write_words(json, "choices", positional.choices);
        json.key("least").number(static_cast<std::int64_t>(positional.least));
        json.key("most").number(static_cast<std::int64_t>(positional.most));
        json.field("help", positional.help).end_object();
    }
    json.end_array().end_object();
}

/// "  -w, --wait STATE    help, wrapped under itself".
void append_entry(std::string& out, const std::string& left, std::string_view help) {
    constexpr std::size_t indent = 28;
    constexpr std::size_t width = 80;
    out += "  " + left;
    std::size_t column = left.size() + 2;
    if (column + 2 > indent) {
        out += '\n';
        column = 0;
    }
    out.append(indent - column, ' ');
    column = indent;
    while (!help.empty()) {
        const auto blank = help.find(' ');
        const auto word = help.substr(0, blank);
        if (column > indent && column + 1 + word.size() > width) {
            out += '\n';
            out.append(indent, ' ');
            column = indent;
        } else if (column > indent) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        help.remove_prefix(blank == std::string_view::npos ? help.size() : blank + 1);
    }
    out += '\n';
}

void append_options(std::string& out, const Arguments& arguments) {
    for (const auto& option : arguments.options()) {
        std::string left;
        for (const auto name : option.names) {
            left += (left.empty() ? "" : ", ") + std::string(name);
        }
        if (!option.value.empty()) {
            left += " " + std::string(option.value);
        }
        std::string help(option.help);
        // Few choices are shown; list's columns are in its description.
        if (!option.choices.empty() && help.find(option.choices.front()) == std::string::npos) {
            help += ": ";
            for (const auto choice : option.choices) {
                help += (choice == option.choices.front() ? "" : ", ") + std::string(choice);
            }
        }
        append_entry(out, left, help);
    }
}

void append_paragraph(std::string& out, std::string_view text) {
    std::size_t column = 0;
    while (!text.empty()) {
        const auto blank = text.find(' ');
        const auto word = text.substr(0, blank);
        if (column > 0 && column + 1 + word.size() > 80) {
            out += '\n';
            column = 0;
        }
        out += column > 0 ? " " : "";
        out += word;
        column += word.size() + (column > 0 ? 1 : 0);
        text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    }
    out += '\n';
}

} // namespace

Arguments declaration_of(const Verb& verb) {
    // What is declared refers into the command, which is gone when this returns: the stores of a
    // declaration made for printing are taken away with it.
    Arguments arguments;
    const auto command = verb.make();
    command->declare(arguments);
    return arguments.without_stores();
}

Arguments global_declaration() {
    Globals globals;
    Arguments arguments;
    globals.declare(arguments);
    return arguments.without_stores();
}

std::string tree_json() {
    std::string out;
    JsonWriter json(out);
    json.begin_object().field("schema", "mshvctl.tree/1").field("program", "mshvctl");
    json.field("version", MSHV_VERSION);
    write_options(json, "global_options", global_declaration());
    json.key("verbs").begin_array();
    for (const auto& verb : verb_table()) {
        write_verb(json, verb);
    }
    json.end_array().end_object();
    return out + "\n";
}

std::string help_text() {
    std::string out = "usage: mshvctl [OPTION...] VERB [ARGUMENT...]\n";
    std::string_view group;
    for (const auto& verb : verb_table()) {
        if (verb.hidden) {
            continue;
        }
        if (verb.group != group) {
            group = verb.group;
            out += "\n" + std::string(group) + ":\n";
        }
        out += "  ";
        append_padded(out, verb.name, 12, Align::left);
        out += ' ';
        out += verb.summary;
        out += '\n';
    }
    out += "\nOptions of every verb:\n";
    append_options(out, global_declaration());
    out += "\nmshvctl help VERB shows a verb's own options; mshvctl(1) describes all.\n";
    return out;
}

std::string help_text(const Verb& verb) {
    const Arguments arguments = declaration_of(verb);
    std::string out = "usage: mshvctl " + std::string(verb.name);
    out += arguments.options().empty() ? "" : " [OPTION...]";
    for (const auto& positional : arguments.positionals()) {
        std::string word(positional.name);
        word += positional.most == 0 ? "..." : "";
        out += positional.least == 0 ? " [" + word + "]" : " " + word;
    }
    out += "\n\n" + std::string(verb.summary) + "\n";
    out[out.size() - verb.summary.size() - 1] =
        static_cast<char>(out[out.size() - verb.summary.size() - 1] & ~0x20);
    if (!verb.description.empty()) {
        out += "\n";
        append_paragraph(out, verb.description);
    }
    if (!arguments.positionals().empty()) {
        out += "\nArguments:\n";
        for (const auto& positional : arguments.positionals()) {
            append_entry(out, std::string(positional.name), positional.help);
        }
    }
    if (!arguments.options().empty()) {
        out += "\nOptions:\n";
        append_options(out, arguments);
    }
    out += "\nmshvctl help lists the options of every verb.\n";
    return out;
}

} // namespace mshv::ctl
