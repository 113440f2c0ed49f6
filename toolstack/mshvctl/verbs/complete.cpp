// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

/// A key was pressed and somebody looks at the prompt.
constexpr std::chrono::milliseconds patience{200};

/// What the completion scripts ask. Says nothing of failures: there is a prompt in the way.
class Complete final : public Command {
public:
    void declare(Arguments& arguments) override {
        Positional what;
        what.name = "WHAT";
        what.help = "names: those of all partitions";
        what.kind = ValueKind::choice;
        what.choices = {"names"};
        what.store = [](std::string_view) {};
        arguments.custom(std::move(what));
    }

    void run(Context& context) override {
        try {
            for (const auto& view : context.client().list(true, Deadline::after(patience))) {
                // Shells expand what they are given here: nothing that is no name reaches them.
                if (!api::why_bad_name(view.name)) {
                    context.out().line(view.name);
                }
            }
        } catch (const api::Error&) {
            context.out().buffer().clear();
        }
    }
};

} // namespace

std::unique_ptr<Command> make_complete() {
    return std::make_unique<Complete>();
}

} // namespace mshv::ctl::verbs
