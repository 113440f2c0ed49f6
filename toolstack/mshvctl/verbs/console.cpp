// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/console.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

/// "^]", "^a" or one character.
char parse_escape(std::string_view text) {
    if (text.size() == 1) {
        return text.front();
    }
    const char key = text.size() == 2 ? text[1] : '\0';
    if (text.size() == 2 && text.front() == '^' &&
        ((key >= '@' && key <= '_') || (key >= 'a' && key <= 'z'))) {
        return static_cast<char>(static_cast<unsigned char>(key) & 0x1fU);
    }
    throw api::Error(api::ErrorCode::usage, "'" + std::string(text) + "' is no escape character",
                     "write one character, or ^ and a letter for a control character, e.g. ^a");
}

class Console final : public Command {
public:
    void declare(Arguments& arguments) override {
        Option escape;
        escape.names = {"-e", "--escape"};
        escape.value = "CHAR";
        escape.help = "the character that detaches, e.g. ^a instead of ^]";
        escape.store = [this](std::string_view text) { options_.escape = parse_escape(text); };
        arguments.custom(std::move(escape));
        Option replay;
        replay.names = {"--replay"};
        replay.value = "BYTES";
        replay.help = "show so much of the past first: a number, all or 0; 16384 when not given";
        replay.kind = ValueKind::number;
        replay.store = [this](std::string_view text) {
            options_.replay = text == "all" ? replay_all : parse_number(text, "--replay");
        };
        arguments.custom(std::move(replay));
        arguments.flag("--log", "print the whole log instead of attaching", log_);
        arguments.flag("-f,--follow", "read only; with --log, go on with what comes", follow_);
        arguments.flag("--no-input", "read only", options_.no_input);
        arguments.flag("--steal", "type even when somebody else does, who may then only read",
                       options_.steal);
        arguments.flag("--unfiltered",
                       "pass everything to the terminal, also titles and the clipboard",
                       unfiltered_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        options_.no_input = options_.no_input || follow_;
        options_.filter = !unfiltered_;
        if (options_.no_input && options_.steal) {
            throw api::Error(api::ErrorCode::usage,
                             "--steal is for typing: it excludes --no-input");
        }
        if (log_) {
            print_console_log(context, selector, follow_, options_);
        } else {
            run_console(context, selector, options_);
        }
    }

private:
    ConsoleOptions options_;
    bool log_ = false;
    bool follow_ = false;
    bool unfiltered_ = false;
    std::string partition_;
};

} // namespace

std::unique_ptr<Command> make_console() {
    return std::make_unique<Console>();
}

} // namespace mshv::ctl::verbs
