// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/tree.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class Help final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("VERB", "the verb", ValueKind::text, verb_);
    }

    void run(Context& context) override {
        if (context.json()) {
            context.out().write(tree_json());
        } else {
            context.out().write(verb_ ? help_text(resolve_verb(*verb_, true)) : help_text());
        }
    }

private:
    std::optional<std::string> verb_;
};

} // namespace

std::unique_ptr<Command> make_help() {
    return std::make_unique<Help>();
}

} // namespace mshv::ctl::verbs
