// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/import.hpp"
#include "toolstack/libs/import/xl_handlers.hpp"
#include "toolstack/libs/import/xl_keys.hpp"

namespace mshv::foreign {
namespace {

constexpr std::size_t all_problems = 4096;

void write_draft(XlContext& context) {
    judge_keys(context);
    const XlType type = xl_type(context);
    xl_general(context);
    xl_processors(context);
    const DiskNames disks = xl_disks(context);
    xl_boot(context, type, disks);
    xl_platform(context);
    xl_interfaces(context);
    xl_serial(context, type);
    xl_display(context, type);
    xl_devices(context);
}

std::vector<Origin> origins_of(XlContext& context, const api::Problem& problem) {
    const bool refused = problem.code == "E-UNSUPPORTED" || problem.code == "E-ELEMENT";
    return context.draft().origins_at(problem.line, problem.column, refused);
}

/// Puts guestxml's verdicts to the keys; what is refused and accepted to be left out is taken from
/// the draft, until nothing more is.
std::optional<api::PartitionSpec> judge(XlContext& context, const ImportOptions& options) {
    guestxml::ParseOptions parse;
    parse.most_problems = all_problems;
    parse.overrides = options.overrides;
    for (;;) {
        const std::string xml = context.draft().write();
        guestxml::ParseResult result = guestxml::parse(xml, parse);
        // All before anything is taken away: places are those of the draft as it was written.
        std::vector<std::vector<Origin>> origins;
        for (const api::Problem& problem : result.problems) {
            origins.push_back(origins_of(context, problem));
        }
        bool removed = false;
        for (std::size_t i = 0; i < origins.size(); ++i) {
            const api::Problem& problem = result.problems[i];
            for (const Origin origin : origins[i]) {
                if (!problem.warning && context.accepted(origin) &&
                    context.draft().remove(origin)) {
                    context.leave_out(origin, problem);
                    removed = true;
                }
            }
        }
        if (removed) {
            continue;
        }
        for (std::size_t i = 0; i < origins.size(); ++i) {
            const api::Problem& problem = result.problems[i];
            for (const Origin origin : origins[i]) {
                // What is missing because its key could not be read is told already.
                if (origin != no_origin || problem.line == 0 || !context.failed()) {
                    context.verdict(origin, problem);
                }
            }
        }
        return std::move(result.spec);
    }
}

} // namespace

XlPair pair_of(std::string_view part) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
        return {guestxml::trimmed(part), {}, false};
    }
    return {guestxml::trimmed(part.substr(0, equals)), guestxml::trimmed(part.substr(equals + 1)),
            true};
}

Imported import_xl(std::string_view document, const ImportOptions& options) {
    const XlDocument read = scan_xl(document);
    XlContext context(document, read, options);
    for (const XlFault& fault : read.faults) {
        context.fault(fault);
    }
    Imported made;
    if (read.faults.empty()) {
        write_draft(context);
        made.spec = judge(context, options);
    }
    if (context.failed()) {
        made.spec.reset();
    }
    made.problems = context.take();
    return made;
}

} // namespace mshv::foreign
