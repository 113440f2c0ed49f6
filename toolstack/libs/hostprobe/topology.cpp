// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/topology.hpp"

#include "toolstack/libs/hostprobe/text.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace mshv::hostprobe {
namespace {

std::optional<unsigned> number(std::string_view text) {
    const auto value = number_of(text);
    return value && std::in_range<unsigned>(*value) ? std::optional(static_cast<unsigned>(*value))
                                                    : std::nullopt;
}

/// The numbers N of the entries PREFIXN of a folder, in their order.
std::set<unsigned> numbered(const std::string& folder, std::string_view prefix) {
    std::set<unsigned> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (name.starts_with(prefix)) {
            if (const auto value = number(std::string_view(name).substr(prefix.size()))) {
                found.insert(*value);
            }
        }
    }
    return found;
}

std::optional<ProcessorPlace> place_of(const std::string& devices, unsigned cpu) {
    const std::string folder = devices + "/cpu/cpu" + std::to_string(cpu);
    const auto core = number(read_line(folder + "/topology/core_id"));
    const auto socket = number(read_line(folder + "/topology/physical_package_id"));
    if (!core || !socket) { // one that is offline has no place
        return std::nullopt;
    }
    const auto nodes = numbered(folder, "node");
    return ProcessorPlace{cpu, *core, *socket,
                          nodes.empty() ? std::nullopt : std::optional(*nodes.begin())};
}

NodeFacts node_of(const std::string& devices, unsigned node) {
    const std::string folder = devices + "/node/node" + std::to_string(node);
    const std::string memory = read_text(folder + "/meminfo");
    NodeFacts facts{node,
                    number_behind(memory, "MemTotal") * 1024,
                    number_behind(memory, "MemFree") * 1024,
                    {}};
    const std::string distances = read_line(folder + "/distance");
    for (std::size_t at = 0; at < distances.size();) {
        const auto end = std::min(distances.size(), distances.find(' ', at));
        if (const auto distance = number(std::string_view(distances).substr(at, end - at))) {
            facts.distances.push_back(*distance);
        }
        at = end + 1;
    }
    return facts;
}

} // namespace

Topology read_topology(const std::string& devices) {
    Topology topology;
    std::map<std::pair<unsigned, unsigned>, unsigned> threads;
    std::map<unsigned, unsigned> cores;
    for (const unsigned cpu : numbered(devices + "/cpu", "cpu")) {
        if (const auto place = place_of(devices, cpu)) {
            topology.processors.push_back(*place);
            cores[place->socket] += ++threads[{place->socket, place->core}] == 1 ? 1 : 0;
            topology.threads_per_core =
                std::max(topology.threads_per_core, threads[{place->socket, place->core}]);
            topology.cores_per_socket = std::max(topology.cores_per_socket, cores[place->socket]);
        }
    }
    for (const unsigned node : numbered(devices + "/node", "node")) {
        topology.nodes.push_back(node_of(devices, node));
    }
    return topology;
}

} // namespace mshv::hostprobe
