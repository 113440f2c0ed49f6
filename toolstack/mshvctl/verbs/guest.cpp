// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/guest_exec.hpp"

#include <chrono>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;
using std::chrono::milliseconds;

/// The daemon gives a guest half a minute to write what it has cached.
constexpr std::chrono::seconds freeze_time{40};

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

std::string mebibytes(const std::optional<std::uint64_t>& bytes) {
    constexpr std::uint64_t mib = 1024UL * 1024;
    return bytes ? std::to_string((*bytes + mib - 1) / mib) : "-";
}

class Guest final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.texts("--env", "KEY=VALUE",
                        "exec: a variable of the program's environment, which then has no other",
                        program_.environment);
        arguments.flag("--input", "exec: the program reads this standard input", program_.input);
        arguments.duration("--thaw-after", "TIME",
                           "freeze: for so long at most, a minute when not given", thaw_after_);
        Positional action;
        action.name = "ACTION";
        action.help = "addresses, exec, freeze, freeze-status, info, ping, sync-time or thaw";
        action.kind = ValueKind::choice;
        action.choices = {"addresses", "exec", "freeze",    "freeze-status",
                          "info",      "ping", "sync-time", "thaw"};
        action.store = [this](std::string_view word) { action_ = word; };
        arguments.custom(std::move(action));
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positionals("PROGRAM", "exec: what runs, and its arguments, behind --",
                              ValueKind::text, program_.words, 0);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        check_words();
        if (action_ == "exec") {
            run_in_guest(context, selector, program_);
        } else if (action_ == "info") {
            info(context, context.client().guest_info(selector, guest_deadline(context)));
        } else if (action_ == "addresses") {
            addresses(context, context.client().guest_addresses(selector, guest_deadline(context)));
        } else if (action_ == "ping") {
            ping(context, context.client().guest_ping(selector, guest_deadline(context)));
        } else if (action_ == "freeze-status") {
            freeze_status(context,
                          context.client().guest_freeze_status(selector, guest_deadline(context)));
        } else if (!context.dry_run(action_ + " the guest of " + selector.text)) {
            change(context, selector);
        }
    }

private:
    void check_words() const {
        const auto only = [&](bool given, std::string_view what, std::string_view action) {
            if (given && action_ != action) {
                throw Error(ErrorCode::usage,
                            std::string(what) + " is for " + std::string(action) + " alone");
            }
        };
        only(!program_.words.empty(), "PROGRAM", "exec");
        only(!program_.environment.empty(), "--env", "exec");
        only(program_.input, "--input", "exec");
        only(thaw_after_.has_value(), "--thaw-after", "freeze");
    }

    /// Room for the daemon to say that the guest has not answered.
    static posix::Deadline guest_deadline(const Context& context) {
        return context.deadline(std::chrono::seconds(20));
    }

    void change(Context& context, const api::Selector& selector) const {
        const auto deadline = context.operation_deadline(freeze_time);
        if (action_ == "sync-time") {
            time(context, context.client().guest_sync_time(selector, deadline));
        } else if (action_ == "thaw") {
            freeze_status(context, context.client().guest_thaw(selector, deadline));
        } else {
            api::GuestFreezeRequest request;
            if (thaw_after_) {
                const auto whole = std::chrono::ceil<std::chrono::seconds>(*thaw_after_);
                request.thaw_after_s = static_cast<std::uint64_t>(whole.count());
            }
            freeze_status(context, context.client().guest_freeze(selector, request, deadline));
        }
    }

    template <typename T>
    static bool printed_as_json(Context& context, std::string_view name, const T& value) {
        if (!context.json()) {
            return false;
        }
        JsonWriter json(context.out().buffer());
        begin_document(json, "guest");
        json.key(name).raw(api::encode(value)).end_object();
        context.out().write("\n");
        return true;
    }

    static void ping(Context& context, const api::GuestPing& ping) {
        if (!printed_as_json(context, "ping", ping)) {
            context.out().line("The guest agent answered in " + std::to_string(ping.took_ms) +
                               " ms");
        }
    }

    static void time(Context& context, const api::GuestTime& time) {
        if (!printed_as_json(context, "time", time)) {
            context.out().line("The guest's clock differed by " + std::to_string(time.before_ms) +
                               " ms, and differs by " + std::to_string(time.after_ms) + " ms");
        }
    }

    static void freeze_status(Context& context, const api::GuestFreeze& freeze) {
        if (printed_as_json(context, "freeze", freeze)) {
            return;
        }
        std::string line = freeze.frozen ? "frozen" : "thawed";
        if (freeze.filesystems) {
            line += ": " + std::to_string(*freeze.filesystems) + " file systems";
        }
        if (freeze.frozen && freeze.thaw_in_ms) {
            line += ", thawed in " + std::to_string((*freeze.thaw_in_ms + 999) / 1000) +
                    " s at the latest";
        }
        context.out().line(line);
    }

    static void info(Context& context, const api::GuestInfo& info) {
        if (printed_as_json(context, "info", info)) {
            return;
        }
        std::string& out = context.out().buffer();
        const auto line = [&](std::string_view key, const std::string& value) {
            append_padded(out, key, 12, Align::left);
            out += ": ";
            append_escaped(out, or_dash(value));
            out += '\n';
        };
        line("Host name", info.hostname);
        line("System", info.os);
        line("Kernel", info.kernel + (info.machine.empty() ? "" : " " + info.machine));
        std::string zone = info.timezone;
        if (info.timezone_offset_s) {
            const auto minutes = *info.timezone_offset_s / 60;
            zone += (zone.empty() ? "" : " ") + std::string(minutes < 0 ? "-" : "+") +
                    std::to_string(std::abs(minutes)) + " min";
        }
        line("Time zone", zone);
        line("Agent", info.agent);
        std::string commands;
        for (const auto& command : info.commands) {
            commands += (commands.empty() ? "" : " ") + command;
        }
        if (context.globals().verbose) {
            line("Commands", commands);
        } else {
            line("Commands", std::to_string(info.commands.size()));
        }
        for (const auto& user : info.users) {
            line("User", (user.domain.empty() ? "" : user.domain + "\\") + user.name +
                             (user.login_ms > 0 ? " since " + time_text(user.login_ms) : ""));
        }
        if (info.filesystems.empty()) {
            return;
        }
        out += '\n';
        Table table({{"Mounted on"},
                     {"Device"},
                     {"Type"},
                     {"Used(MiB)", Align::right},
                     {"Size(MiB)", Align::right}});
        for (const auto& system : info.filesystems) {
            table.cell(or_dash(system.mountpoint)).cell(or_dash(system.device));
            table.cell(or_dash(system.type)).cell(mebibytes(system.used));
            table.cell(mebibytes(system.total));
        }
        table.print(out, TableFormat::table, !context.globals().no_header);
    }

    static void addresses(Context& context, const api::GuestAddresses& addresses) {
        if (printed_as_json(context, "addresses", addresses)) {
            return;
        }
        Table table({{"Interface"}, {"Alias"}, {"MAC"}, {"Address"}, {"Source"}});
        for (const auto& interface : addresses.interfaces) {
            const auto row = [&](const std::string& address) {
                table.cell(or_dash(interface.name)).cell(or_dash(interface.alias));
                table.cell(or_dash(interface.mac)).cell(or_dash(address));
                table.cell(api::to_name(interface.source));
            };
            for (const auto& address : interface.addresses) {
                row(address.address + (address.prefix ? "/" + std::to_string(*address.prefix) : ""));
            }
            if (interface.addresses.empty()) {
                row("");
            }
        }
        table.print(context.out().buffer(), TableFormat::table, !context.globals().no_header);
    }

    std::string action_;
    std::string partition_;
    GuestProgram program_;
    std::optional<milliseconds> thaw_after_;
};

} // namespace

std::unique_ptr<Command> make_guest() {
    return std::make_unique<Guest>();
}

} // namespace mshv::ctl::verbs
