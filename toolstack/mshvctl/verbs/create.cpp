// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/mshvctl/console/console.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/new_partition.hpp"
#include "toolstack/mshvctl/verbs/states.hpp"
#include "toolstack/mshvctl/waiting.hpp"

#include <algorithm>

namespace mshv::ctl::verbs {
namespace {

constexpr std::chrono::seconds usual_timeout{60};

class Create final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-c,--console", "attach to its console, from the first byte", console_);
        arguments.flag("-F,--foreground", "return when the partition has ended", foreground_);
        arguments.flag("-p,--paused", "leave it paused before its first instruction", paused_);
        arguments.flag("-n", "check the file and print the canonical document, as -N", check_only_);
        arguments.flag("-q,--quiet", "say nothing of success", quiet_);
        arguments.flag("-e", "nothing: accepted because xl has it", ignored_);
        arguments.flag("--define", "store the definition as well", define_);
        arguments.flag("--replace", "with --define, replace the definition of that name or UUID",
                       replace_);
        arguments.flag("--if-not-exists",
                       "succeed and start nothing when there is one of that name or UUID",
                       if_not_exists_);
        arguments.custom(states_option("--wait",
                                       "return when it is in one of these states, "
                                       "separated by commas",
                                       wait_));
        document_.declare(arguments);
        arguments.positional("FILE", "guest XML; - for standard input", ValueKind::file, file_);
    }

    void run(Context& context) override {
        if (replace_ && !define_) {
            throw api::Error(api::ErrorCode::usage, "--replace is for --define");
        }
        if (replace_ && if_not_exists_) {
            throw api::Error(api::ErrorCode::usage,
                             "--replace and --if-not-exists exclude each other");
        }
        const Document document = load_document(context, file_, document_);
        if (check_only_ || context.globals().dry_run) {
            print_canonical(context, document);
            return;
        }
        auto [view, made] = create(context, document);
        if (!quiet_ && !context.json()) {
            context.out().line((made ? "Created partition " : "There is already partition ") +
                               api::escape_terminal(view.name) + ", number " +
                               std::to_string(view.id));
        }
        const api::Selector selector{api::Selector::Kind::number, std::to_string(view.id)};
        if (console_) {
            context.out().flush();
            ConsoleOptions options;
            options.replay = replay_all;
            run_console(context, selector, options);
        } else if (foreground_ || !wait_.empty()) {
            context.out().flush();
            const auto states = wait_.empty() ? ended_states() : wait_;
            const auto& timeout = context.globals().timeout;
            Progress progress("waiting for " + view.name, view.name + " goes on");
            view = wait_with_progress(
                context, selector, states,
                timeout ? posix::Deadline::after(*timeout) : posix::Deadline::never(), progress);
        }
        if (context.json()) {
            context.out().write(partition_document("create", view));
        }
    }

private:
    std::pair<api::PartitionView, bool> create(Context& context, const Document& document) const {
        const auto timeout = context.globals().timeout.value_or(usual_timeout);
        auto request = new_partition_request(document);
        request.mode = define_ ? api::CreateMode::persistent : api::CreateMode::transient;
        request.paused = paused_;
        request.replace = replace_;
        request.timeout_ms = static_cast<std::uint64_t>(timeout.count());
        Progress progress("creating " + document.spec.name,
                          "the creation of " + document.spec.name + " goes on");
        return create_partition(context, request, if_not_exists_,
                                context.operation_deadline(timeout));
    }

    bool console_ = false, foreground_ = false, paused_ = false, check_only_ = false;
    bool quiet_ = false, ignored_ = false, define_ = false, replace_ = false;
    bool if_not_exists_ = false;
    std::vector<api::State> wait_;
    DocumentOptions document_;
    std::string file_;
};

} // namespace

std::unique_ptr<Command> make_create() {
    return std::make_unique<Create>();
}

} // namespace mshv::ctl::verbs
