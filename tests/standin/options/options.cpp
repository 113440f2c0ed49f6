// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/options/options.hpp"

#include "tests/standin/freestanding/text.hpp"
#include "tests/standin/tlfs/hint.hpp"

namespace mshv::standin {
namespace {

struct HintName {
    std::string_view name;
    u32 bits;
};
constexpr HintName hint_names[] = {{"flush", hint::remote_flush},
                                   {"apic", hint::apic_registers},
                                   {"ipi", hint::cluster_ipi},
                                   {"masks", hint::processor_masks}};

bool parse_hint(std::string_view name, Options& options) {
    if (name == "auto-eoi") {
        options.automatic_eoi = true;
        return true;
    }
    for (const HintName& one : hint_names) {
        if (one.name == name) {
            options.hints |= one.bits;
            return true;
        }
    }
    return false;
}

/// Names apart by commas.
bool parse_hints(std::string_view names, Options& options) {
    for (;;) {
        std::size_t length = 0;
        while (length < names.size() && names[length] != ',') {
            ++length;
        }
        if (!parse_hint(names.substr(0, length), options)) {
            return false;
        }
        if (length == names.size()) {
            return true;
        }
        names.remove_prefix(length + 1);
    }
}

bool parse_word(std::string_view word, Options& options) {
    constexpr std::string_view hints = "hints=";
    if (word == "plain") {
        options.hide_hypervisor = true;
    } else if (word == "lab") {
        options.lab = true;
    } else if (word == "strict") {
        options.strict = true;
    } else if (word == "hold-for-pci") {
        options.hold_for_pci = true;
    } else if (word == "sched=lp") {
        options.schedules = true;
    } else if (word.starts_with(hints)) {
        word.remove_prefix(hints.size());
        return parse_hints(word, options);
    } else {
        return options.faults.add(word);
    }
    return true;
}

} // namespace

bool parse_options(std::string_view line, Options& options, std::string_view& wrong) {
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
        if (!parse_word(word, options)) {
            wrong = word;
            return false;
        }
    }
    return true;
}

} // namespace mshv::standin
