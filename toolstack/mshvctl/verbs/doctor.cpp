// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/hostprobe/hostprobe.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/scheduling_client.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <algorithm>
#include <unistd.h>

namespace mshv::ctl::verbs {
namespace {

using hostprobe::Check;
using hostprobe::Verdict;

constexpr std::chrono::seconds probe_time{10};
constexpr std::chrono::seconds daemon_time{2};

std::string_view verdict_name(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok:
        return "ok";
    case Verdict::info:
        return "info";
    case Verdict::warn:
        return "warn";
    case Verdict::fail:
        return "fail";
    }
    return "fail";
}

std::string_view verdict_colour(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok:
        return "\x1b[32m";
    case Verdict::info:
        return "";
    case Verdict::warn:
        return "\x1b[33m";
    case Verdict::fail:
        return "\x1b[31m";
    }
    return "";
}

class Doctor final : public Command {
public:
    void declare(Arguments& /*arguments*/) override {}

    void run(Context& context) override {
        auto facts = hostprobe::probe(context.deadline(probe_time));
        facts.vmm = hostprobe::probe_vmm(hostprobe::usual_vmms, context.deadline(probe_time));
        auto checks = hostprobe::run_checks(facts);
        checks.push_back(check_daemon(context));
        if (checks.back().verdict == Verdict::ok) {
            checks.push_back(check_groups(context));
        }
        if (context.json()) {
            print_json(context, checks);
        } else {
            print(context, checks);
        }
        const auto failed = std::count_if(checks.begin(), checks.end(), [](const Check& check) {
            return check.verdict == Verdict::fail;
        });
        if (failed > 0) {
            throw api::Error(api::ErrorCode::failed, "no partition can run on this host",
                             "mend what is marked fail");
        }
    }

private:
    /// A daemon that does not run is no fault of the host.
    static Check check_daemon(Context& context) {
        try {
            const auto version = context.client().version(context.deadline(daemon_time));
            return {"daemon", Verdict::ok, "mshvd " + version.version + " answers", {}};
        } catch (const api::Error& error) {
            return {"daemon", Verdict::warn, error.message(), error.hint()};
        }
    }

    /// Only who wants weights, caps or pools misses the groups.
    static Check check_groups(Context& context) {
        try {
            const auto list = SchedulingClient(context).pools(context.deadline(daemon_time));
            if (list.unavailable.empty()) {
                return {"cgroup", Verdict::ok, "partitions can have weights, caps and pools", {}};
            }
            return {"cgroup",
                    Verdict::info,
                    "no partition can have a weight, a cap or a pool of processors: " +
                        list.unavailable,
                    {}};
        } catch (const api::Error& error) {
            return {"cgroup", Verdict::warn, error.message(), error.hint()};
        }
    }

    static void print(Context& context, const std::vector<Check>& checks) {
        const bool colour = is_terminal(STDOUT_FILENO);
        std::string& out = context.out().buffer();
        std::size_t width = 0;
        for (const auto& check : checks) {
            width = std::max(width, check.id.size());
        }
        for (const auto& check : checks) {
            out += colour ? verdict_colour(check.verdict) : "";
            append_padded(out, verdict_name(check.verdict), 4, Align::left);
            out += colour ? "\x1b[0m  " : "  ";
            append_padded(out, check.id, width, Align::left);
            out += "  ";
            append_escaped(out, check.what);
            out += '\n';
            if (!check.fix.empty()) {
                out.append(8 + width, ' ');
                out += "fix: ";
                append_escaped(out, check.fix);
                out += '\n';
            }
        }
    }

    static void print_json(Context& context, const std::vector<Check>& checks) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "doctor");
        json.key("items").begin_array();
        for (const auto& check : checks) {
            json.begin_object().field("id", check.id).field("verdict", verdict_name(check.verdict));
            json.field("what", check.what).field("fix", check.fix).end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }
};

} // namespace

std::unique_ptr<Command> make_doctor() {
    return std::make_unique<Doctor>();
}

} // namespace mshv::ctl::verbs
