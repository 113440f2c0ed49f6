// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/cpu_set.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace mshv::api {
namespace {

std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() ||
        value > highest_cpu) {
        return std::nullopt;
    }
    return value;
}

/// "3" or "0-3".
std::optional<CpuSet> range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = number(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1));
    if (!first || !last || *last < *first) {
        return std::nullopt;
    }
    CpuSet cpus;
    for (unsigned cpu = *first; cpu <= *last; ++cpu) {
        cpus.push_back(cpu);
    }
    return cpus;
}

std::optional<CpuSet> part(std::string_view text, const CpusOfNode& of_node) {
    for (const std::string_view word : {"nodes:", "node:"}) {
        if (!of_node || !text.starts_with(word)) {
            continue;
        }
        const auto nodes = range(text.substr(word.size()));
        CpuSet cpus;
        for (const unsigned node : nodes.value_or(CpuSet{})) {
            const auto has = of_node(node);
            if (!has) {
                return std::nullopt;
            }
            cpus.insert(cpus.end(), has->begin(), has->end());
        }
        return nodes ? std::optional(cpus) : std::nullopt;
    }
    return range(text);
}

} // namespace

std::optional<CpuSet> parse_cpu_set(std::string_view text, const CpusOfNode& of_node) {
    std::set<unsigned> found;
    for (bool more = true; more;) {
        const auto comma = text.find(',');
        std::string_view piece = text.substr(0, comma);
        more = comma != std::string_view::npos;
        text = more ? text.substr(comma + 1) : "";
        const bool without = piece.starts_with('^');
        piece.remove_prefix(without ? 1 : 0);
        const auto cpus = part(piece, of_node);
        if (!cpus) {
            return std::nullopt;
        }
        for (const unsigned cpu : *cpus) {
            if (without) {
                found.erase(cpu);
            } else {
                found.insert(cpu);
            }
        }
    }
    return found.empty() ? std::nullopt : std::optional(CpuSet(found.begin(), found.end()));
}

std::string format_cpu_set(const CpuSet& cpus) {
    std::string text;
    for (std::size_t i = 0; i < cpus.size();) {
        std::size_t last = i;
        while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) {
            ++last;
        }
        text += (text.empty() ? "" : ",") + std::to_string(cpus[i]);
        if (last > i) {
            text += "-" + std::to_string(cpus[last]);
        }
        i = last + 1;
    }
    return text;
}

} // namespace mshv::api
