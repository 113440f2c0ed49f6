// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/console/console.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/guest_exec.hpp"
#include "toolstack/mshvctl/verbs/new_partition.hpp"
#include "toolstack/mshvctl/waiting.hpp"

#include <unistd.h>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::chrono::seconds start_timeout{60};

/// A partition that is to end with this command, unless it has ended by itself.
class Removal {
public:
    Removal(Context& context, api::Selector selector)
        : context_(context), selector_(std::move(selector)) {}
    Removal(const Removal&) = delete;
    Removal& operator=(const Removal&) = delete;
    ~Removal() {
        if (done_) {
            return;
        }
        try {
            context_.client().destroy(selector_, {}, context_.operation_deadline());
        } catch (const Error& error) {
            if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::wrong_state) {
                context_.warn("it may still run: " + error.message());
            }
        }
    }
    void done() { done_ = true; }

private:
    Context& context_;
    api::Selector selector_;
    bool done_ = false;
};

class Run final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("--rm", "end the partition when this command ends before it", remove_);
        arguments.flag("--no-input", "the guest gets nothing of standard input", no_input_);
        document_.declare(arguments);
        arguments.positional("FILE", "guest XML; - for standard input", ValueKind::file, file_);
    }

    void run(Context& context) override {
        Document document = load_document(context, file_, document_);
        document.spec.devices.exit_port = true;
        document.xml.clear(); // it says something else now
        if (context.globals().dry_run) {
            print_canonical(context, document);
            return;
        }
        try {
            run_document(context, document);
        } catch (const Error& error) {
            end_without_status(context, error);
        }
    }

private:
    void run_document(Context& context, const Document& document) {
        auto request = new_partition_request(document);
        request.mode = api::CreateMode::transient;
        request.paused = true; // until somebody reads what it says
        request.timeout_ms =
            static_cast<std::uint64_t>(std::chrono::milliseconds(start_timeout).count());
        const auto made =
            create_partition(context, request, false, context.operation_deadline(start_timeout))
                .first;
        const api::Selector selector{api::Selector::Kind::uuid, api::to_string(made.uuid)};
        Removal removal(context, selector);
        if (!remove_) {
            removal.done();
        }
        const auto unpause = [&] {
            context.client().act(selector, "unpause", context.operation_deadline());
        };
        const bool listens = document.spec.devices.console && !context.json();
        if (listens) {
            ConsoleOptions options;
            options.replay = replay_all;
            options.no_input = no_input_ || file_ == "-";
            options.filter = is_terminal(STDOUT_FILENO);
            options.attached = unpause;
            run_console(context, selector, options);
        } else {
            unpause();
        }
        conclude(context, await_end(context, selector, made.name, listens), removal);
    }

    /// The row of its run. Who has listened to the end waits for its record alone, and who has
    /// detached for nothing.
    static api::HistoryEntry await_end(Context& context, const api::Selector& selector,
                                       const std::string& name, bool listened) {
        const auto& timeout = context.globals().timeout;
        const auto deadline = listened  ? posix::Deadline::after(std::chrono::seconds(10))
                              : timeout ? posix::Deadline::after(*timeout)
                                        : posix::Deadline::never();
        Progress progress("running " + name, name + " goes on");
        wait_with_progress(context, selector, ended_states(), deadline, progress);
        const auto runs = context.client().history(selector, 1, context.read_deadline());
        if (runs.empty()) {
            throw Error(ErrorCode::failed, "There is no record of how '" + name + "' has ended");
        }
        return runs.front();
    }

    static void conclude(Context& context, const api::HistoryEntry& end, Removal& removal) {
        const bool by_itself =
            end.reason == api::Reason::guest_poweroff || end.reason == api::Reason::shutdown;
        if (!by_itself) {
            throw Error(ErrorCode::failed, "The guest of '" + end.name +
                                               "' has no status: it ended by " +
                                               std::string(api::to_name(end.reason)) +
                                               (end.detail.empty() ? "" : ": " + end.detail));
        }
        removal.done();
        const int code = end.exit_code.value_or(0);
        const int status = code % 2 == 0 ? 0 : (code - 1) / 2; // isa-debug-exit's way to write it
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "run");
            json.key("status").number(status).key("run").raw(api::encode(end)).end_object();
            context.out().write("\n");
        }
        context.set_exit_status(status);
    }

    bool remove_ = false, no_input_ = false;
    DocumentOptions document_;
    std::string file_;
};

} // namespace

std::unique_ptr<Command> make_run() {
    return std::make_unique<Run>();
}

} // namespace mshv::ctl::verbs
