// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/service_impl.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <fcntl.h>
#include <system_error>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

constexpr unsigned most_log_files = 101; ///< the live one and log_keep's bound

std::string letters(char state, bool paused) {
    return paused ? "--p" : state == 'R' ? "r--" : "-b-";
}

} // namespace

std::string ServiceImpl::list_json(bool include_off) {
    return core_.list_json(include_off);
}

Snapshot ServiceImpl::snapshot() {
    Snapshot snapshot;
    for (const auto& [state, name] : api::EnumNames<api::State>::names) {
        snapshot.states[state] = 0;
    }
    const auto operations = core_.locks.holders();
    for (const auto& entry : core_.directory.all()) {
        ++snapshot.states[entry->row.state];
        const auto operation = operations.find(entry->row.uuid);
        const bool held = operation != operations.end();
        if (entry->row.state != api::State::shutoff || held) {
            snapshot.live.push_back(
                core_.view_with(*entry, held ? std::optional(operation->second) : std::nullopt));
        }
    }
    snapshot.unmanaged = core_.census.get()->unmanaged.size();
    snapshot.last_seq = core_.hub.last_seq();
    return snapshot;
}

api::PartitionView ServiceImpl::get(const api::Selector& selector) {
    return core_.view(*core_.resolve(selector));
}

api::EventPage ServiceImpl::events(std::int64_t since, std::size_t limit,
                                   std::optional<api::Uuid> partition, Deadline wait) {
    return core_.hub.poll(since, limit, partition, wait);
}

std::vector<api::HistoryEntry> ServiceImpl::history(const std::optional<std::string>& name_or_uuid,
                                                    std::size_t limit) {
    if (!name_or_uuid) {
        return core_.store.history(std::nullopt, limit);
    }
    const auto selector = api::Selector::parse(*name_or_uuid);
    try {
        const auto entry = core_.resolve(selector);
        return core_.store.history(api::to_string(entry->row.uuid), limit);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found) {
            throw;
        }
        return core_.store.history(selector.text, limit); // of one that is gone
    }
}

/// A transient partition that ended between a client's command and its wait for the end.
std::optional<api::PartitionView> ServiceImpl::ended_transient(const std::string& text) {
    const auto uuid = api::parse_uuid(text);
    if (!uuid || core_.directory.find(*uuid)) {
        return std::nullopt;
    }
    const auto runs = core_.store.history(text, 1);
    if (runs.empty()) {
        return std::nullopt;
    }
    api::PartitionView view;
    view.id = runs.front().id;
    view.uuid = *uuid;
    view.name = runs.front().name;
    view.persistent = false;
    view.reason = runs.front().reason;
    return view;
}

api::PartitionView ServiceImpl::wait_state(const api::Selector& selector,
                                           const std::vector<api::State>& states,
                                           Deadline deadline) {
    // By UUID from here on: the name may be another partition's later.
    if (selector.kind == api::Selector::Kind::uuid &&
        std::find(states.begin(), states.end(), api::State::shutoff) != states.end()) {
        if (auto gone = ended_transient(selector.text)) {
            return *gone;
        }
    }
    const auto first = core_.resolve(selector);
    auto last = first;
    for (std::uint64_t seen = core_.directory.version();;) {
        const auto entry = core_.directory.find(first->row.uuid);
        const auto wanted = [&](api::State state) {
            return std::find(states.begin(), states.end(), state) != states.end();
        };
        if (!entry) {
            if (!wanted(api::State::shutoff)) {
                throw Error(ErrorCode::not_found, "Partition '" + last->row.name + "' is gone",
                            "its end stands in the history");
            }
            api::PartitionView view = to_view(last->row);
            view.state = api::State::shutoff;
            const auto runs = core_.store.history(api::to_string(view.uuid), 1);
            view.reason = runs.empty() ? api::Reason::none : runs.front().reason;
            return view;
        }
        if (wanted(entry->row.state)) {
            return core_.view(*entry);
        }
        if (deadline.expired()) {
            throw Error(ErrorCode::timeout, "Partition '" + entry->row.name + "' is still " +
                                                std::string(api::to_name(entry->row.state)));
        }
        last = entry;
        seen = core_.directory.wait(seen, deadline);
    }
}

std::vector<api::VcpuView> ServiceImpl::vcpus(const api::Selector& selector, Deadline deadline) {
    const auto entry = core_.resolve(selector);
    require(domain::Verb::vcpus, entry->row);
    const bool paused = entry->row.state == api::State::paused;
    const std::int64_t pid = entry->row.runtime ? entry->row.runtime->vmm.pid : 0;
    const auto truth = core_.census.get();
    std::vector<api::VcpuView> views;
    for (const auto& vcpu : core_.process_of(entry->row)->vcpus(deadline)) {
        views.push_back({vcpu.index, vcpu.thread_id, vcpu.cpu_time_ms, vcpu.last_cpu,
                         vcpu.waiting_ms, letters(vcpu.state, paused), vcpu.affinity,
                         std::nullopt});
        if (const auto found = truth->processors.find({pid, vcpu.index});
            found != truth->processors.end()) {
            views.back().hypervisor = found->second;
        }
    }
    return views;
}

api::Uuid ServiceImpl::uuid_of(const api::Selector& selector) {
    try {
        return core_.resolve(selector)->row.uuid;
    } catch (const Error& error) {
        const auto runs = error.code() == ErrorCode::not_found
                              ? core_.store.history(selector.text, 1)
                              : std::vector<api::HistoryEntry>{};
        if (runs.empty()) {
            throw;
        }
        return runs.front().uuid;
    }
}

std::vector<posix::Fd> ServiceImpl::console_log(const api::Selector& selector) {
    const std::string live =
        core_.dirs.log_dir + '/' + api::to_string(uuid_of(selector)) + "/console.log";
    std::vector<posix::Fd> files;
    for (unsigned n = 0; n < most_log_files; ++n) {
        try {
            files.push_back(posix::open_file(n == 0 ? live : live + '.' + std::to_string(n),
                                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
        } catch (const std::system_error& error) {
            if (error.code() != std::errc::no_such_file_or_directory) {
                throw Error(ErrorCode::failed, "The console's log cannot be read")
                    .because(error.what());
            }
            if (n > 0) {
                break;
            }
        }
    }
    std::reverse(files.begin(), files.end());
    return files;
}

api::MemoryView ServiceImpl::memory(const api::Selector& selector, Deadline deadline) {
    return tuning_.memory(core_.resolve(selector)->row, deadline);
}

api::DiskList ServiceImpl::disks(const api::Selector& selector) {
    return devices_.disks(core_.resolve(selector)->row);
}

api::NicList ServiceImpl::nics(const api::Selector& selector) {
    return devices_.nics(core_.resolve(selector)->row);
}

} // namespace mshv::control
