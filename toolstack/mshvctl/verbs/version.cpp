// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class Version final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("--client", "of mshvctl only, without asking the daemon", client_only_);
    }

    /// A daemon that does not answer is shown, and is no failure of this verb.
    void run(Context& context) override {
        std::optional<api::VersionInfo> daemon;
        std::string why;
        if (!client_only_) {
            try {
                daemon = context.client().version(context.deadline(std::chrono::seconds(2)));
            } catch (const api::Error& error) {
                why = error.message();
            }
        }
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "version");
            json.field("mshvctl", MSHV_VERSION);
            if (daemon) {
                json.key("mshvd").raw(api::encode(*daemon));
            } else if (!why.empty()) {
                json.field("mshvd_error", why);
            }
            json.end_object();
            context.out().write("\n");
            return;
        }
        context.out().line("mshvctl " MSHV_VERSION);
        if (daemon) {
            context.out().line("mshvd " + api::escape_terminal(daemon->version) + " (pid " +
                               std::to_string(daemon->pid) + ", database schema " +
                               std::to_string(daemon->schema) + ")");
        } else if (!why.empty()) {
            context.out().line("mshvd unknown: " + api::escape_terminal(why));
        }
    }

private:
    bool client_only_ = false;
};

} // namespace

std::unique_ptr<Command> make_version() {
    return std::make_unique<Version>();
}

} // namespace mshv::ctl::verbs
