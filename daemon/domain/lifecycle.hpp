// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/view.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The life of a partition, whole: every edge between two states stands in `edges` and nowhere else.
// The store refuses a change that is not in it, so that no code path can invent one.

namespace mshv::domain {

using api::State;

/// What moves a partition from one state to another.
enum class Change {
    start,      ///< a start was accepted
    abort,      ///< the start failed and was undone
    run,        ///< the VPs run
    run_paused, ///< the VMM is there, the VPs are stopped as was asked
    pause,
    resume,
    stop,     ///< a shutdown, reboot or destroy was accepted
    abandon,  ///< the shutdown was given up: the guest did not follow
    respawn,  ///< the VMM ended and the keeper starts it again
    preserve, ///< the guest failed and its VMM is kept for inspection
    end,      ///< nothing runs any more, as was wanted
    fail,     ///< nothing runs any more, as was not wanted
    stick,    ///< killed, but the kernel has not let it go
};

struct Edge {
    State from;
    Change why;
    State to;
};

inline constexpr auto edges = std::to_array<Edge>({
    {State::shutoff, Change::start, State::starting},
    {State::crashed, Change::start, State::starting},

    {State::starting, Change::run, State::running},
    {State::starting, Change::run_paused, State::paused},
    {State::starting, Change::abort, State::shutoff},

    {State::running, Change::pause, State::paused},
    {State::paused, Change::resume, State::running},

    {State::running, Change::stop, State::stopping},
    {State::paused, Change::stop, State::stopping},
    {State::restarting, Change::stop, State::stopping},
    {State::crashed, Change::stop, State::stopping},
    {State::stuck, Change::stop, State::stopping},
    {State::stopping, Change::abandon, State::running},
    {State::stopping, Change::stick, State::stuck},

    {State::running, Change::respawn, State::restarting},
    {State::paused, Change::respawn, State::restarting},
    {State::stopping, Change::respawn, State::restarting},
    {State::crashed, Change::respawn, State::restarting},
    {State::restarting, Change::run, State::running},
    {State::restarting, Change::run_paused, State::paused},

    {State::running, Change::preserve, State::crashed},
    {State::paused, Change::preserve, State::crashed},
    {State::stopping, Change::preserve, State::crashed},

    {State::running, Change::end, State::shutoff},
    {State::paused, Change::end, State::shutoff},
    {State::stopping, Change::end, State::shutoff},
    {State::restarting, Change::end, State::shutoff},
    {State::stuck, Change::end, State::shutoff},
    {State::crashed, Change::end, State::shutoff},

    {State::running, Change::fail, State::crashed},
    {State::paused, Change::fail, State::crashed},
    {State::stopping, Change::fail, State::crashed},
    {State::restarting, Change::fail, State::crashed},
    {State::stuck, Change::fail, State::crashed},
    {State::crashed, Change::fail, State::crashed},
});

constexpr std::optional<State> next_state(State from, Change why) {
    for (const Edge& edge : edges) {
        if (edge.from == from && edge.why == why) {
            return edge.to;
        }
    }
    return std::nullopt;
}

/// What a user or a policy can ask for.
enum class Verb {
    start,
    shutdown,
    reboot,
    reset,
    destroy,
    pause,
    unpause,
    trigger,
    rename,
    undefine,
    redefine,
    set_autostart,
    console,
    vcpus,
    save,
    dump_core,
    drop_saved,
    device,
    suspend,
    resume,
};

struct VerbRule {
    Verb verb;
    std::string_view name;  ///< as the user types it
    std::string_view doing; ///< "cannot … it": completes the refusal
    std::array<bool, 8> in; ///< by State, in the enum's order
};

//                                                       shutoff starting running paused
//                                                       stopping restarting crashed stuck
inline constexpr auto verb_rules = std::to_array<VerbRule>({
    {Verb::start, "start", "start", {true, false, false, false, false, false, true, false}},
    {Verb::shutdown,
     "shutdown",
     "shut down",
     {false, false, true, false, true, false, false, false}},
    {Verb::reboot, "reboot", "reboot", {false, false, true, false, true, false, false, false}},
    {Verb::reset, "reset", "reset", {false, false, true, true, false, false, true, false}},
    {Verb::destroy, "destroy", "destroy", {false, false, true, true, true, true, true, true}},
    {Verb::pause, "pause", "pause", {false, false, true, false, false, false, false, false}},
    {Verb::unpause, "unpause", "unpause", {false, false, false, true, false, false, false, false}},
    {Verb::trigger, "trigger", "trigger", {false, false, true, true, true, false, true, false}},
    {Verb::rename, "rename", "rename", {true, true, true, true, true, true, true, true}},
    {Verb::undefine, "undefine", "undefine", {true, false, true, true, true, true, true, true}},
    {Verb::redefine, "define", "redefine", {true, true, true, true, true, true, true, true}},
    {Verb::set_autostart, "autostart", "change", {true, true, true, true, true, true, true, true}},
    {Verb::console, "console", "attach to", {false, false, true, true, true, true, true, true}},
    {Verb::vcpus, "vcpu-list", "ask", {false, false, true, true, true, true, true, true}},
    {Verb::save, "save", "save", {false, false, true, true, false, false, false, false}},
    {Verb::dump_core, "dump-core", "dump", {false, false, true, true, false, false, true, false}},
    {Verb::drop_saved,
     "managed-save-remove",
     "forget",
     {true, false, false, false, false, false, true, false}},
    {Verb::device, "device", "change", {false, false, true, true, false, false, false, false}},
    {Verb::suspend, "suspend", "suspend", {false, false, true, false, false, false, false, false}},
    {Verb::resume, "resume", "wake", {false, false, true, false, true, false, false, false}},
});

constexpr const VerbRule& rule_of(Verb verb) {
    return verb_rules[static_cast<std::size_t>(verb)];
}

constexpr bool allowed(Verb verb, State state) {
    return rule_of(verb).in[static_cast<std::size_t>(state)];
}

/// True for a state in which something may be alive: a runtime row belongs to it.
constexpr bool is_live(State state) {
    return state != State::shutoff && state != State::starting && state != State::crashed;
}

/// "2026-11-21 12:00:05 UTC"
std::string format_time(std::int64_t unix_ms);

/// The sentence for a refused verb, e.g. "Partition 'web' is not running (shutoff since
/// 2026-11-21 12:00:05 UTC)"; nothing when `verb` is allowed.
std::optional<std::string> why_not(Verb verb, std::string_view name, State state,
                                   api::Reason reason, std::int64_t since_ms);
/// What to do instead; may be empty.
std::string_view hint_for(Verb verb, State state);

namespace checks {

constexpr bool deterministic() {
    for (std::size_t i = 0; i < edges.size(); ++i) {
        for (std::size_t j = i + 1; j < edges.size(); ++j) {
            if (edges[i].from == edges[j].from && edges[i].why == edges[j].why) {
                return false;
            }
        }
    }
    return true;
}

/// Which states can be reached from `start`, by State.
constexpr std::array<bool, 8> reached_from(State start) {
    std::array<bool, 8> reached{};
    reached[static_cast<std::size_t>(start)] = true;
    for (std::size_t round = 0; round < reached.size(); ++round) {
        for (const Edge& edge : edges) {
            if (reached[static_cast<std::size_t>(edge.from)]) {
                reached[static_cast<std::size_t>(edge.to)] = true;
            }
        }
    }
    return reached;
}

/// Every state is reachable from shutoff, and from every state shutoff is reachable.
constexpr bool connected() {
    for (std::size_t i = 0; i < 8; ++i) {
        if (!reached_from(State::shutoff)[i] ||
            !reached_from(static_cast<State>(i))[static_cast<std::size_t>(State::shutoff)]) {
            return false;
        }
    }
    return true;
}

constexpr bool rules_in_order() {
    for (std::size_t i = 0; i < verb_rules.size(); ++i) {
        if (static_cast<std::size_t>(verb_rules[i].verb) != i) {
            return false;
        }
    }
    return true;
}

/// Whatever lives can be destroyed, and what was destroyed can end or is seen to be stuck.
constexpr bool always_a_way_out() {
    for (std::size_t i = 0; i < 8; ++i) {
        const auto state = static_cast<State>(i);
        if (is_live(state) && (!allowed(Verb::destroy, state) || !next_state(state, Change::end))) {
            return false;
        }
    }
    return next_state(State::stopping, Change::end) && next_state(State::stopping, Change::stick);
}

static_assert(api::EnumNames<State>::names.size() == 8);
static_assert(deterministic());
static_assert(connected());
static_assert(rules_in_order());
static_assert(always_a_way_out());

} // namespace checks

} // namespace mshv::domain
