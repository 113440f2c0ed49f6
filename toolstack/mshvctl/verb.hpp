// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/arguments.hpp"

#include <memory>
#include <span>
#include <string_view>

namespace mshv::ctl {

class Context;

/// What a verb does with its options. Made for one run, after the verb was recognised.
class Command {
public:
    virtual ~Command() = default;
    virtual void declare(Arguments& arguments) = 0;
    /// Throws api::Error; its code decides the exit status.
    virtual void run(Context& context) = 0;
};

/// A row of the table of verbs.
struct Verb {
    std::string_view name;
    std::string_view group;
    std::string_view summary;     ///< one line, for `help`
    std::string_view description; ///< a paragraph, for `help VERB`; may be empty
    std::unique_ptr<Command> (*make)();
    bool hidden = false; ///< not shown in help and completion
};

/// Every verb, in the order in which help shows them.
std::span<const Verb> verb_table();

/// The verb of exactly this name; null when there is none.
const Verb* find_verb(std::string_view name);

/// The verb that `word` means. Unique prefixes are taken when `allow_prefix`, that is, when a
/// person types: in a script a new verb would change what an old prefix means. Throws
/// api::Error: unsupported for a command of xl that has no counterpart, else usage.
const Verb& resolve_verb(std::string_view word, bool allow_prefix);

} // namespace mshv::ctl
