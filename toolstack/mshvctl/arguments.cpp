// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/arguments.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/guestxml/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;

std::vector<std::string_view> split_names(std::string_view names) {
    std::vector<std::string_view> parts;
    while (!names.empty()) {
        const auto comma = names.find(',');
        parts.push_back(names.substr(0, comma));
        names = comma == std::string_view::npos ? std::string_view{} : names.substr(comma + 1);
    }
    return parts;
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

/// Damerau-Levenshtein distance, transpositions included, of two short words.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(a.size() + 1,
                                               std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        cost[i][0] = i;
    }
    for (std::size_t j = 0; j <= b.size(); ++j) {
        cost[0][j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
            cost[i][j] =
                std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + differs});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a.size()][b.size()];
}

} // namespace

std::chrono::milliseconds parse_duration(std::string_view text, std::string_view what) {
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    struct Unit {
        std::string_view name;
        std::uint64_t milliseconds;
    };
    constexpr std::array units{Unit{"", 1000}, Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000},
                               Unit{"h", 3'600'000}};
    constexpr std::uint64_t longest = 1000ULL * 3600 * 24 * 365;
    const auto* found = std::find_if(units.begin(), units.end(),
                                     [&](const Unit& candidate) { return candidate.name == unit; });
    if (error != std::errc{} || found == units.end() || count > longest / found->milliseconds) {
        throw Error(ErrorCode::usage, quoted(text) + " is no span of time for " + std::string(what),
                    "write seconds, or a number with ms, s, m or h, e.g. 90 or 2m");
    }
    return std::chrono::milliseconds(count * found->milliseconds);
}

std::uint64_t parse_size(std::string_view text, std::string_view what) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const auto unit =
        rest.empty() ? std::optional<std::uint64_t>(1) : guestxml::bytes_of_unit(rest);
    if (error != std::errc{} || !unit || number > UINT64_MAX / *unit) {
        throw Error(ErrorCode::usage, quoted(text) + " is no size for " + std::string(what),
                    "a number of bytes, or one with a unit: 10G, 512MiB");
    }
    return number * *unit;
}

std::uint64_t parse_memory(std::string_view text, std::string_view what) {
    const bool bare =
        !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    return parse_size(bare ? std::string(text) + "M" : std::string(text), what);
}

std::uint64_t parse_number(std::string_view text, std::string_view what, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most) {
        throw Error(ErrorCode::usage, quoted(text) + " is no number for " + std::string(what),
                    most == UINT64_MAX ? "write a decimal number"
                                       : "write a decimal number up to " + std::to_string(most));
    }
    return value;
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
    std::string_view best;
    // A third of the word may be wrong, but never so much that any word is near.
    std::size_t allowed = std::max<std::size_t>(1, text.size() / 3) + 1;
    for (const auto candidate : candidates) {
        const auto wrong = distance(text, candidate);
        if (wrong < allowed && wrong < candidate.size()) {
            allowed = wrong;
            best = candidate;
        }
    }
    return best;
}

void require_choice(std::string_view text, std::span<const std::string_view> choices,
                    std::string_view what) {
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) {
        return;
    }
    std::string list;
    for (const auto choice : choices) {
        list += (list.empty() ? "" : ", ") + std::string(choice);
    }
    const auto meant = nearest(text, choices);
    throw Error(ErrorCode::usage,
                quoted(text) + " is not one of " + list + " for " + std::string(what),
                meant.empty() ? "" : "did you mean " + quoted(meant) + "?");
}

Option& Arguments::add(std::string_view names, std::string_view value, std::string_view help,
                       ValueKind kind) {
    Option& option = options_.emplace_back();
    option.names = split_names(names);
    option.value = value;
    option.help = help;
    option.kind = kind;
    return option;
}

void Arguments::flag(std::string_view names, std::string_view help, bool& target) {
    add(names, {}, help, ValueKind::text).store = [&target](std::string_view) { target = true; };
}

void Arguments::text(std::string_view names, std::string_view value, std::string_view help,
                     std::string& target, ValueKind kind) {
    add(names, value, help, kind).store = [&target](std::string_view text) { target = text; };
}

void Arguments::text(std::string_view names, std::string_view value, std::string_view help,
                     std::optional<std::string>& target, ValueKind kind) {
    add(names, value, help, kind).store = [&target](std::string_view text) {
        target = std::string(text);
    };
}

void Arguments::texts(std::string_view names, std::string_view value, std::string_view help,
                      std::vector<std::string>& target) {
    Option& option = add(names, value, help, ValueKind::text);
    option.repeatable = true;
    option.store = [&target](std::string_view text) { target.emplace_back(text); };
}

void Arguments::number(std::string_view names, std::string_view value, std::string_view help,
                       std::optional<std::uint64_t>& target, std::uint64_t most) {
    Option& option = add(names, value, help, ValueKind::number);
    option.store = [&target, most, name = option.names.back()](std::string_view text) {
        target = parse_number(text, name, most);
    };
}

void Arguments::duration(std::string_view names, std::string_view value, std::string_view help,
                         std::optional<std::chrono::milliseconds>& target) {
    Option& option = add(names, value, help, ValueKind::duration);
    option.store = [&target, name = option.names.back()](std::string_view text) {
        target = parse_duration(text, name);
    };
}

void Arguments::choice(std::string_view names, std::string_view value, std::string_view help,
                       std::vector<std::string_view> choices, std::string& target) {
    Option& option = add(names, value, help, ValueKind::choice);
    option.choices = choices;
    option.store = [&target, name = option.names.back(),
                    choices = std::move(choices)](std::string_view text) {
        require_choice(text, choices, name);
        target = text;
    };
}

void Arguments::positional(std::string_view name, std::string_view help, ValueKind kind,
                           std::string& target) {
    positionals_.push_back(
        {name, help, kind, 1, 1, {}, [&target](std::string_view text) { target = text; }});
}

void Arguments::positional(std::string_view name, std::string_view help, ValueKind kind,
                           std::optional<std::string>& target) {
    positionals_.push_back({name, help, kind, 0, 1, {}, [&target](std::string_view text) {
                                target = std::string(text);
                            }});
}

void Arguments::positionals(std::string_view name, std::string_view help, ValueKind kind,
                            std::vector<std::string>& target, std::size_t least) {
    positionals_.push_back({name, help, kind, least, 0, {}, [&target](std::string_view text) {
                                target.emplace_back(text);
                            }});
}

void Arguments::mark_global() {
    for (auto& option : options_) {
        option.global = true;
    }
}

Arguments Arguments::without_stores() const {
    Arguments copy = *this;
    for (auto& option : copy.options_) {
        option.store = {};
    }
    for (auto& positional : copy.positionals_) {
        positional.store = {};
    }
    return copy;
}

} // namespace mshv::ctl
