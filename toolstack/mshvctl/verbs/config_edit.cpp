// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/mshvctl/document.hpp"
#include "toolstack/mshvctl/programs.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/changes.hpp"
#include "toolstack/mshvctl/verbs/config.hpp"
#include "toolstack/mshvctl/verbs/confirm.hpp"

#include <csignal>
#include <cstdlib>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::size_t largest_file = 1024UL * 1024 + 1;

/// The text while it is edited: gone at the end unless keep() was called.
class EditedFile {
public:
    explicit EditedFile(std::string_view text) {
        const char* folder = std::getenv("TMPDIR");
        path_ = std::string(folder != nullptr && *folder != '\0' ? folder : "/tmp") +
                "/mshvctl-edit-XXXXXX.xml";
        const posix::Fd file(posix::check(::mkstemps(path_.data(), 4), path_));
        posix::write_all(file.get(), text, posix::Deadline::never(), path_);
    }
    EditedFile(const EditedFile&) = delete;
    EditedFile& operator=(const EditedFile&) = delete;
    ~EditedFile() {
        if (!kept_) {
            ::unlink(path_.c_str());
        }
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string text() const { return posix::read_file(path_, largest_file); }
    void keep() { kept_ = true; }

private:
    std::string path_;
    bool kept_ = false;
};

/// Ctrl-C is the editor's while it runs.
class IgnoredInterrupts {
public:
    IgnoredInterrupts()
        : interrupt_(std::signal(SIGINT, SIG_IGN)), quit_(std::signal(SIGQUIT, SIG_IGN)) {}
    IgnoredInterrupts(const IgnoredInterrupts&) = delete;
    IgnoredInterrupts& operator=(const IgnoredInterrupts&) = delete;
    ~IgnoredInterrupts() {
        std::signal(SIGINT, interrupt_);
        std::signal(SIGQUIT, quit_);
    }

private:
    void (*interrupt_)(int);
    void (*quit_)(int);
};

/// The words of $VISUAL or $EDITOR; no shell reads them.
std::vector<std::string> editor() {
    for (const char* variable : {"VISUAL", "EDITOR"}) {
        const char* value = std::getenv(variable);
        if (auto words = split_words(value != nullptr ? value : "", ' '); !words.empty()) {
            return words;
        }
    }
    return {"vi"};
}

void run_editor(const std::string& file) {
    posix::Command command;
    command.argv = editor();
    const auto program = find_program(command.argv.front());
    if (!program) {
        throw Error(ErrorCode::not_found, "there is no editor " + command.argv.front(),
                    "set VISUAL or EDITOR to one that there is");
    }
    command.program = *program;
    command.argv.push_back(file);
    for (char** variable = environ; *variable != nullptr; ++variable) {
        command.env.emplace_back(*variable);
    }
    command.fds = {{STDIN_FILENO, STDIN_FILENO},
                   {STDOUT_FILENO, STDOUT_FILENO},
                   {STDERR_FILENO, STDERR_FILENO}};
    const IgnoredInterrupts ignored;
    const posix::Child child = posix::spawn(command);
    child.pidfd.wait_ended(posix::Deadline::never());
    const auto status = child.pidfd.reap();
    if (!status || status->signalled || status->value != 0) {
        throw Error(ErrorCode::failed, "the editor " + command.argv.front() + " failed");
    }
}

/// The document as it was given while it still says what is stored, with its comments and layout;
/// else the canonical one.
std::string text_to_edit(Context& context, const api::StoredDefinition& stored) {
    if (!stored.xml.empty()) {
        if (const auto given = guestxml::parse(stored.xml); given.spec) {
            try {
                const auto plan = context.client().plan({*given.spec, {}}, context.read_deadline());
                if (plan.action == api::PlanAction::none && plan.partition &&
                    plan.partition->uuid == stored.spec.uuid) {
                    return stored.xml;
                }
            } catch (const Error&) {
                return guestxml::to_xml(stored.spec); // it would not be taken today
            }
        }
    }
    return guestxml::to_xml(stored.spec);
}

/// Shows what the edited text changes and, without -N, stores it.
void store(Context& context, const std::string& file, const api::StoredDefinition& before) {
    const api::Selector selector{api::Selector::Kind::uuid, api::to_string(*before.spec.uuid)};
    const Document document = load_document(context, file, {});
    api::ReplaceRequest request;
    request.spec = document.spec;
    request.spec.uuid = document.spec.uuid ? document.spec.uuid : before.spec.uuid;
    request.xml = document.xml;
    request.revision = before.revision;
    request.cause = api::Cause::edited;
    const auto plan = context.client().plan({request.spec, request.xml}, context.read_deadline());
    if (!context.globals().dry_run) {
        const auto view = context.client().replace(selector, request, context.operation_deadline());
        if (context.json()) {
            context.out().write(partition_document("config", view));
            return;
        }
        context.out().line(api::escape_terminal(view.name) + " is at revision " +
                           std::to_string(view.revision));
    } else if (context.json()) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "config");
        write_changes(json, plan.changes);
        json.end_object();
        context.out().write("\n");
        return;
    }
    append_changes(context.out().buffer(), plan.changes);
}

} // namespace

void edit_definition(Context& context, const api::Selector& selector) {
    const auto before = context.client().definition(selector, context.read_deadline());
    const std::string text = text_to_edit(context, before);
    EditedFile file(text);
    for (;;) {
        run_editor(file.path());
        if (file.text() == text) {
            context.warn("nothing was changed");
            return;
        }
        try {
            store(context, file.path(), before);
            return;
        } catch (const Error& error) {
            if (error.code() == ErrorCode::invalid && !context.json()) {
                write_error(error_text(error));
                if (confirm("Edit it again?", Usual::yes).value_or(false)) {
                    continue;
                }
            }
            file.keep();
            Error kept(error.code(), error.message(), "your text is kept in " + file.path());
            kept.with_problems(error.problems());
            for (const auto& cause : error.causes()) {
                kept.because(cause);
            }
            throw kept;
        }
    }
}

} // namespace mshv::ctl::verbs
