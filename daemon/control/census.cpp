// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/census.hpp"

#include "daemon/control/core.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <charconv>

namespace mshv::control {
namespace {

constexpr std::int64_t page_size = 4096; // the hypervisor's
constexpr std::string_view number_prefix = "hv:";

std::string name_of(std::uint64_t id) {
    return std::string(number_prefix) + std::to_string(id);
}

/// Adds a time to a sum, which stays unknown as long as all of it is.
void add(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& part) {
    if (part) {
        sum = sum.value_or(0) + *part;
    }
}

std::optional<std::int64_t> milliseconds(const std::optional<std::int64_t>& nanoseconds) {
    return nanoseconds ? std::optional(*nanoseconds / 1'000'000) : std::nullopt;
}

api::HypervisorVpView to_view(const hostprobe::HypervisorVp& vp) {
    api::HypervisorVpView view;
    view.cpu_time_ms = milliseconds(vp.run_ns);
    add(view.cpu_time_ms, milliseconds(vp.hypervisor_ns));
    if (!vp.run_ns) {
        view.cpu_time_ms = milliseconds(vp.dispatched_ns); // the next best
    }
    view.waiting_ms = milliseconds(vp.waiting_ns);
    view.halted_ms = milliseconds(vp.blocked_ns);
    view.intercepts = vp.intercepts;
    return view;
}

api::HypervisorView to_view(const hostprobe::HypervisorPartition& partition) {
    api::HypervisorView view;
    view.partition_id = static_cast<std::int64_t>(partition.id);
    view.vps = partition.vps;
    if (partition.guest_pages && *partition.guest_pages < INT64_MAX / page_size) {
        view.guest_memory = *partition.guest_pages * page_size;
    }
    view.deposited_pages = partition.deposited_pages;
    view.withdrawn_pages = partition.withdrawn_pages;
    view.held_pages = partition.held_pages;
    for (const auto& vp : partition.processors) {
        const auto of_one = to_view(vp);
        add(view.cpu_time_ms, of_one.cpu_time_ms);
        add(view.waiting_ms, of_one.waiting_ms);
        add(view.intercepts, of_one.intercepts);
    }
    return view;
}

/// The fourth field of /proc/PID/stat, behind a name that may hold anything; 0 for none.
std::int64_t parent_of(const std::string& stat) {
    const auto name_end = stat.rfind(") ");
    std::int64_t parent = 0;
    if (name_end != std::string::npos && name_end + 4 < stat.size()) {
        std::from_chars(&stat[name_end + 4], stat.data() + stat.size(), parent);
    }
    return parent;
}

} // namespace

std::optional<api::Uuid> started_for(const std::string& proc, std::int64_t pid) {
    constexpr std::size_t most_stat = 4096;
    constexpr std::size_t most_arguments = 65536;
    try {
        const auto parent =
            parent_of(posix::read_file(proc + '/' + std::to_string(pid) + "/stat", most_stat));
        // "mshv-keeper", "run", NAME, UUID, each with a NUL behind it.
        const std::string line = posix::read_file(
            proc + '/' + std::to_string(parent) + "/cmdline", most_arguments);
        const std::string_view arguments(line);
        const auto last = arguments.size() < 2 ? std::string_view::npos
                                               : arguments.rfind('\0', arguments.size() - 2);
        if (!arguments.starts_with(std::string_view("mshv-keeper\0run", 15)) ||
            last == std::string_view::npos) {
            return std::nullopt;
        }
        return api::parse_uuid(arguments.substr(last + 1, arguments.size() - last - 2));
    } catch (const std::system_error&) {
        return std::nullopt; // it has ended
    }
}

std::string summary(const CensusResult& census) {
    if (!census.known) {
        return "unknown" + (census.why.empty() ? "" : " (" + census.why + ")");
    }
    std::string text = std::to_string(census.total);
    if (!census.with_processes) {
        text += "; the kernel does not say whose";
    } else if (!census.unmanaged.empty()) {
        text += ", " + std::to_string(census.unmanaged.size()) + " of them not managed here";
    }
    return text;
}

std::optional<api::Error> refusal(const CensusResult& census, const api::Selector& selector) {
    if (selector.kind != api::Selector::Kind::any || !selector.text.starts_with(number_prefix)) {
        return std::nullopt;
    }
    if (census.root_id && selector.text == name_of(*census.root_id)) {
        return api::Error(api::ErrorCode::usage,
                          selector.text + " is the root partition, which is never a target");
    }
    for (const auto& stranger : census.unmanaged) {
        if (selector.text == stranger.name) {
            return api::Error(api::ErrorCode::unsupported,
                              "Partition " + stranger.name + " is not managed here: process " +
                                  std::to_string(stranger.process) + " made it",
                              "use the program that made it, e.g. end process " +
                                  std::to_string(stranger.process));
        }
    }
    return std::nullopt;
}

Census::Census(Core& core)
    : core_(core), thread_(core.clock, core.options.sample_interval, [this] { look(); }) {}

bool Census::is_ours(std::int64_t process) const {
    for (const auto& entry : core_.directory.all()) {
        if (entry->row.runtime && entry->row.runtime->vmm.pid == process) {
            return true;
        }
    }
    const auto uuid = started_for(core_.options.proc, process);
    return uuid && core_.directory.find(*uuid) != nullptr;
}

void Census::look() noexcept {
    try {
        const auto found = core_.options.partitions ? core_.options.partitions()
                                                    : hostprobe::read_partitions();
        CensusResult result;
        result.known = found.known;
        result.at_boot_ms = core_.clock.boot_ms();
        result.why = found.why;
        result.with_processes = found.with_processes;
        result.total = found.partitions.size();
        result.root_id = found.root_id;
        if (found.with_processes) {
            for (const auto& partition : found.partitions) {
                result.by_process.insert_or_assign(partition.process, to_view(partition));
                for (const auto& vp : partition.processors) {
                    result.processors.insert_or_assign({partition.process, vp.index}, to_view(vp));
                }
            }
            look_for_strangers(found, result);
            look_for_missing(result);
        }
        core_.census.set(std::move(result));
    } catch (const std::exception& error) {
        CensusResult result;
        result.why = error.what();
        core_.census.set(std::move(result));
    }
}

void Census::look_for_strangers(const hostprobe::HypervisorPartitions& found,
                                CensusResult& result) {
    std::set<Stranger> strangers;
    std::set<Stranger> named;
    for (const auto& partition : found.partitions) {
        const Stranger stranger(partition.id, partition.process);
        if (is_ours(partition.process)) {
            continue;
        }
        strangers.insert(stranger);
        if (!strangers_.contains(stranger)) {
            continue;
        }
        named.insert(stranger);
        result.unmanaged.push_back({name_of(partition.id), partition.process, to_view(partition)});
        if (!named_.contains(stranger)) {
            core_.log(Severity::warning,
                      "the hypervisor has partition " + std::to_string(partition.id) +
                          " of process " + std::to_string(partition.process) +
                          ", which is not managed here");
        }
    }
    strangers_ = std::move(strangers);
    named_ = std::move(named);
}

void Census::look_for_missing(const CensusResult& result) {
    std::set<std::int64_t> missing;
    std::set<std::int64_t> told;
    for (const auto& entry : core_.directory.all()) {
        const auto& row = entry->row;
        const bool runs = row.state == api::State::running || row.state == api::State::paused;
        if (!runs || !row.runtime || row.runtime->accelerator != "mshv" ||
            result.by_process.contains(row.runtime->vmm.pid)) {
            continue;
        }
        const std::int64_t process = row.runtime->vmm.pid;
        missing.insert(process);
        if (!missing_.contains(process)) {
            continue;
        }
        told.insert(process);
        if (!told_.contains(process)) {
            core_.log(Severity::warning, "partition '" + row.name +
                                             "' runs under mshv, but the hypervisor has none of "
                                             "its process " +
                                             std::to_string(process));
        }
    }
    missing_ = std::move(missing);
    told_ = std::move(told);
}

} // namespace mshv::control
