// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/completion.hpp"

#include "toolstack/mshvctl/tree.hpp"
#include "toolstack/mshvctl/verb.hpp"

#include <vector>

namespace mshv::ctl {
namespace {

using Words = std::vector<std::string_view>;

std::string joined(const Words& words, std::string_view separator) {
    std::string text;
    for (const auto word : words) {
        text += text.empty() ? "" : separator;
        text += word;
    }
    return text;
}

std::vector<const Verb*> shown_verbs() {
    std::vector<const Verb*> shown;
    for (const auto& verb : verb_table()) {
        if (!verb.hidden) {
            shown.push_back(&verb);
        }
    }
    return shown;
}

Words verb_names() {
    Words names;
    for (const auto* verb : shown_verbs()) {
        names.push_back(verb->name);
    }
    return names;
}

Words option_names(const Arguments& arguments) {
    Words names;
    for (const auto& option : arguments.options()) {
        names.insert(names.end(), option.names.begin(), option.names.end());
    }
    return names;
}

// ---- bash and zsh: one body that both understand, between a head of their own -------------------

constexpr std::string_view bash_head = R"sh(# SPDX-License-Identifier: Apache-2.0
# bash completion for mshvctl, made by `mshvctl completion bash`
_mshvctl_words() {
    local head=
    [[ $cur == *,* ]] && head=${cur%,*},
    mapfile -t COMPREPLY < <(compgen -P "$head" -W "$*" -- "${cur##*,}")
}
_mshvctl_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}
_mshvctl_names() {
    _mshvctl_words $("${COMP_WORDS[0]}" __complete names 2>/dev/null)
}
_mshvctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local verb= position=0 word i options=()
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
)sh";

constexpr std::string_view zsh_head = R"sh(#compdef mshvctl
# SPDX-License-Identifier: Apache-2.0
# zsh completion for mshvctl, made by `mshvctl completion zsh`
_mshvctl_words() {
    [[ $cur == *,* ]] && compset -P '*,'
    compadd -- "$@"
}
_mshvctl_files() {
    _files
}
_mshvctl_names() {
    compadd -- ${(f)"$("${words[1]}" __complete names 2>/dev/null)"}
}
_mshvctl() {
    local cur=${words[CURRENT]} prev=${words[CURRENT-1]}
    local verb= position=0 word i
    local -a options
    for ((i = 2; i < CURRENT; i++)); do
        word=${words[i]}
)sh";

constexpr std::string_view bash_tail = R"sh(}
complete -F _mshvctl mshvctl
)sh";

constexpr std::string_view zsh_tail = R"sh(}
if [[ ${funcstack[1]} == _mshvctl ]]; then
    _mshvctl "$@"
elif (( $+functions[compdef] )); then
    compdef _mshvctl mshvctl
fi
)sh";

std::string completer(ValueKind kind, const Words& choices) {
    switch (kind) {
    case ValueKind::file:
        return "_mshvctl_files";
    case ValueKind::partition:
        return "_mshvctl_names";
    case ValueKind::choice:
        return "_mshvctl_words " + joined(choices, " ");
    default:
        return ":";
    }
}

/// "VERB:--long|VERB:-s" for one option.
std::string patterns(std::string_view verb, const Option& option) {
    std::string text;
    for (const auto name : option.names) {
        text += (text.empty() ? "" : "|") + std::string(verb) + ":" + std::string(name);
    }
    return text;
}

/// Calls `visit(verb, option)` for every option that takes a value: those of verbs first, since
/// their meaning hides a global one's; "*" stands for every verb.
template <typename Visit>
void each_value_option(Visit visit) {
    for (const auto* verb : shown_verbs()) {
        const Arguments arguments = declaration_of(*verb);
        for (const auto& option : arguments.options()) {
            if (!option.value.empty()) {
                visit(verb->name, option);
            }
        }
    }
    const Arguments globals = global_declaration();
    for (const auto& option : globals.options()) {
        if (!option.value.empty()) {
            visit("*", option);
        }
    }
}

std::string shell_body() {
    std::string skip;
    std::string values;
    each_value_option([&](std::string_view verb, const Option& option) {
        skip += (skip.empty() ? "" : "|") + patterns(verb, option);
        values += "    " + patterns(verb, option) + ") " + completer(option.kind, option.choices) +
                  "; return ;;\n";
    });
    std::string options;
    std::string positions = "    :0) _mshvctl_words " + joined(verb_names(), " ") + " ;;\n";
    for (const auto* verb : shown_verbs()) {
        const Arguments arguments = declaration_of(*verb);
        options += "    " + std::string(verb->name) + ") options=(" +
                   joined(option_names(arguments), " ") + ") ;;\n";
        std::size_t at = 0;
        for (const auto& positional : arguments.positionals()) {
            const std::string place = positional.most == 0 ? "*" : std::to_string(at++);
            const bool names_a_verb = verb->name == "help";
            positions += "    " + std::string(verb->name) + ":" + place + ") " +
                         (names_a_verb ? "_mshvctl_words " + joined(verb_names(), " ")
                                       : completer(positional.kind, positional.choices)) +
                         " ;;\n";
        }
    }
    return "        case $verb:$word in\n        " + skip +
           ") ((i += 1)) ;;\n"
           "        *:-*) ;;\n"
           "        :*) verb=$word ;;\n"
           "        *) ((position += 1)) ;;\n"
           "        esac\n"
           "    done\n"
           "    case $verb:$prev in\n" +
           values + "    esac\n    case $verb in\n" + options +
           "    esac\n"
           "    if [[ $cur == -* ]]; then\n"
           "        _mshvctl_words \"${options[@]}\" --help " +
           joined(option_names(global_declaration()), " ") +
           "\n        return\n    fi\n"
           "    case $verb:$position in\n" +
           positions + "    esac\n";
}

// ---- fish ---------------------------------------------------------------------------------------

std::string fish_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') {
            quoted += '\\';
        }
        quoted += c;
    }
    return quoted + "'";
}

std::string fish_value(ValueKind kind, const Words& choices) {
    switch (kind) {
    case ValueKind::file:
        return " -F";
    case ValueKind::partition:
        return " -f -a '(mshvctl __complete names 2>/dev/null)'";
    case ValueKind::choice:
        return " -f -a " + fish_quoted(joined(choices, " "));
    default:
        return " -f";
    }
}

void append_fish_options(std::string& out, const std::string& condition,
                         const Arguments& arguments) {
    for (const auto& option : arguments.options()) {
        out += "complete -c mshvctl" + condition;
        for (const auto name : option.names) {
            const bool is_long = name.starts_with("--");
            out += (is_long ? " -l " : " -s ") + std::string(name.substr(is_long ? 2 : 1));
        }
        if (!option.value.empty()) {
            out += " -r" + fish_value(option.kind, option.choices);
        }
        out += " -d " + fish_quoted(option.help) + "\n";
    }
}

std::string fish_script() {
    std::string out = "# SPDX-License-Identifier: Apache-2.0\n"
                      "# fish completion for mshvctl, made by `mshvctl completion fish`\n"
                      "complete -c mshvctl -f\n";
    append_fish_options(out, "", global_declaration());
    for (const auto* verb : shown_verbs()) {
        out += "complete -c mshvctl -n __fish_use_subcommand -a " + std::string(verb->name) +
               " -d " + fish_quoted(verb->summary) + "\n";
    }
    for (const auto* verb : shown_verbs()) {
        const Arguments arguments = declaration_of(*verb);
        const std::string condition =
            " -n '__fish_seen_subcommand_from " + std::string(verb->name) + "'";
        append_fish_options(out, condition, arguments);
        for (const auto& positional : arguments.positionals()) {
            const bool names_a_verb = verb->name == "help";
            out += "complete -c mshvctl" + condition +
                   (names_a_verb ? " -f -a " + fish_quoted(joined(verb_names(), " "))
                                 : fish_value(positional.kind, positional.choices)) +
                   "\n";
        }
    }
    return out;
}

} // namespace

std::string completion_script(std::string_view shell) {
    if (shell == "fish") {
        return fish_script();
    }
    return shell == "zsh" ? std::string(zsh_head) + shell_body() + std::string(zsh_tail)
                          : std::string(bash_head) + shell_body() + std::string(bash_tail);
}

} // namespace mshv::ctl
