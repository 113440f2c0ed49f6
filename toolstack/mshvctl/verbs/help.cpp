// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/json.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/tree.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/xl_commands.hpp"

namespace mshv::ctl::verbs {
namespace {

void print_xl_commands(Context& context) {
    if (context.json()) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "xl-commands");
        json.key("items").begin_array();
        for (const auto& command : xl_commands()) {
            json.begin_object().field("name", command.name);
            json.field("fate", fate_name(command.fate));
            json.field("answer", command.answer).end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
        return;
    }
    Table table({{"xl"}, {"Here"}, {"Instead, or why not"}});
    for (const auto& command : xl_commands()) {
        table.cell(command.name).cell(fate_name(command.fate)).cell(command.answer);
    }
    table.print(context.out().buffer(), TableFormat::table, true);
}

class Help final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("--xl", "what became of each command of xl", xl_);
        arguments.positional("VERB", "the verb", ValueKind::text, verb_);
    }

    void run(Context& context) override {
        if (xl_) {
            if (verb_) {
                throw api::Error(api::ErrorCode::usage, "--xl shows all of xl's commands",
                                 "leave out '" + *verb_ + "'");
            }
            print_xl_commands(context);
        } else if (context.json()) {
            context.out().write(tree_json());
        } else {
            context.out().write(verb_ ? help_text(resolve_verb(*verb_, true)) : help_text());
        }
    }

private:
    bool xl_ = false;
    std::optional<std::string> verb_;
};

} // namespace

std::unique_ptr<Command> make_help() {
    return std::make_unique<Help>();
}

} // namespace mshv::ctl::verbs
