// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/completion.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/tree.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class Completion final : public Command {
public:
    void declare(Arguments& arguments) override {
        Positional shell;
        shell.name = "SHELL";
        shell.help = "bash, zsh or fish";
        shell.kind = ValueKind::choice;
        shell.choices = {"bash", "zsh", "fish"};
        shell.store = [this](std::string_view word) { shell_ = word; };
        arguments.custom(std::move(shell));
    }

    void run(Context& context) override {
        const std::string script = completion_script(shell_);
        if (!context.json()) {
            context.out().write(script);
            return;
        }
        JsonWriter json(context.out().buffer());
        begin_document(json, "completion");
        json.field("shell", shell_).field("script", script).end_object();
        context.out().write("\n");
    }

private:
    std::string shell_;
};

} // namespace

std::unique_ptr<Command> make_completion() {
    return std::make_unique<Completion>();
}

} // namespace mshv::ctl::verbs
