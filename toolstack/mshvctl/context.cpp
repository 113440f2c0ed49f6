// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/context.hpp"

#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/result.hpp"

namespace mshv::ctl {

void Globals::declare(Arguments& arguments) {
    arguments.text("--connect", "SOCKET",
                   "the daemon's socket instead of $MSHV_SOCKET or "
                   "/run/mshv/mshvd.sock",
                   connect, ValueKind::file);
    arguments.flag("--json", "print JSON: results on standard output, an error on standard error",
                   json);
    arguments.flag("--no-header", "print tables without their header line", no_header);
    arguments.duration("--timeout", "TIME", "give up after so long: seconds, or 500ms, 2m, 1h",
                       timeout);
    arguments.duration("--wait-busy", "TIME",
                       "let the daemon wait so long for another operation on the same partition",
                       wait_busy);
    arguments.flag("-N,--dry-run", "say what would be done, and do nothing", dry_run);
    arguments.flag("-v,--verbose", "say more", verbose);
    arguments.mark_global();
}

Client& Context::client() {
    if (!client_) {
        client_ = std::make_unique<Client>(daemon_socket(globals_.connect), globals_.wait_busy);
    }
    return *client_;
}

posix::Deadline Context::deadline(std::chrono::milliseconds otherwise) const {
    return posix::Deadline::after(globals_.timeout.value_or(otherwise));
}

posix::Deadline Context::read_deadline() const {
    return deadline(std::chrono::seconds(10));
}

posix::Deadline Context::operation_deadline(std::chrono::milliseconds span) const {
    const auto busy = globals_.wait_busy.value_or(std::chrono::milliseconds(0));
    return posix::Deadline::after(span + busy + std::chrono::seconds(10));
}

void Context::print(std::string_view text) {
    out_.write(text);
    out_.flush();
}

void Context::warn(std::string_view text) const {
    write_error("mshvctl: warning: " + api::escape_terminal(text) + "\n");
}

bool Context::dry_run(std::string_view what) {
    if (globals_.dry_run && globals_.json) {
        would_.emplace_back(what);
    } else if (globals_.dry_run) {
        out_.line("would " + api::escape_terminal(what));
    }
    return globals_.dry_run;
}

void Context::end_dry_run() {
    if (would_.empty()) {
        return;
    }
    JsonWriter json(out_.buffer());
    begin_document(json, "dry-run");
    json.key("would").begin_array();
    for (const auto& what : would_) {
        json.text(what);
    }
    json.end_array().end_object();
    out_.write("\n");
    would_.clear();
}

} // namespace mshv::ctl
