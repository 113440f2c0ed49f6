// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/autostarter.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>

namespace mshv::control {
namespace {

using api::State;

constexpr const char* actor = "autostart";
constexpr const char* meta_key = "autostart_boot";
constexpr std::int64_t tick_ms = 1000; ///< mounts and bridges announce themselves to nobody
constexpr std::int64_t host_timeout_ms = 120'000;
constexpr std::chrono::milliseconds start_timeout{120'000};

/// Octal escapes of mountinfo: \040 is a space.
std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3') {
            out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                     (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool satisfied(const store::PartitionRow* row, api::AfterState wanted, LiveTable& lives,
               Deadline deadline) {
    if (row == nullptr) {
        return wanted == api::AfterState::stopped;
    }
    switch (wanted) {
    case api::AfterState::running:
        return row->state == State::running;
    case api::AfterState::stopped:
        return row->state == State::shutoff || (row->state == State::crashed && !row->runtime);
    case api::AfterState::agent: {
        const LivePtr live = row->state == State::running ? lives.find(row->uuid) : nullptr;
        const auto process = live ? live->get_process() : nullptr;
        try {
            return process && process->agent_connected(deadline);
        } catch (const api::Error&) {
            return false;
        }
    }
    }
    return false;
}

} // namespace

bool is_mounted(std::string_view mountinfo, std::string_view path) {
    while (!mountinfo.empty()) {
        const auto end = mountinfo.find('\n');
        std::string_view line = mountinfo.substr(0, end);
        mountinfo = end == std::string_view::npos ? "" : mountinfo.substr(end + 1);
        for (int field = 0; field < 4; ++field) {
            const auto space = line.find(' ');
            line = space == std::string_view::npos ? "" : line.substr(space + 1);
        }
        if (unescape(line.substr(0, line.find(' '))) == path) {
            return true;
        }
    }
    return false;
}

void Autostarter::start() {
    const auto done =
        core_.store.write([](store::Transaction& t) { return t.meta(meta_key).value_or(""); });
    if (done == core_.boot_id) {
        return;
    }
    Entries marked;
    for (auto& entry : core_.directory.all()) {
        // What the host's shutdown saved goes on, marked or not.
        const bool goes_on = !entry->row.saved.empty() && entry->row.was_running;
        if ((entry->row.autostart || goes_on) && entry->row.persistent) {
            marked.push_back(std::move(entry));
        }
    }
    thread_ = std::jthread([this, marked = std::move(marked)] { run(marked); });
}

void Autostarter::stop() {
    {
        posix::Lock lock(mutex_);
        stopped_ = true;
        condition_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Autostarter::nudge() {
    posix::Lock lock(mutex_);
    nudged_ = true;
    condition_.notify_all();
}

bool Autostarter::stopped() {
    posix::Lock lock(mutex_);
    return stopped_;
}

bool Autostarter::pause_until(std::int64_t until_boot_ms, bool also_on_change) {
    posix::Lock lock(mutex_);
    while (!stopped_ && !(also_on_change && nudged_) && core_.clock.boot_ms() < until_boot_ms) {
        core_.clock.wait(lock, condition_, until_boot_ms);
    }
    nudged_ = false;
    return !stopped_;
}

void Autostarter::run(const Entries& marked) noexcept {
    try {
        work_through(candidates(marked));
        if (!stopped()) {
            MSHV_CRASHPOINT("control.before_autostart_done");
            core_.store.write([&](store::Transaction& t) { t.set_meta(meta_key, core_.boot_id); });
        }
    } catch (const std::exception& error) {
        core_.log(Severity::error, std::string("autostart: ") + error.what());
    }
}

std::vector<Autostarter::Candidate> Autostarter::candidates(const Entries& marked) {
    std::vector<Candidate> found;
    for (const auto& entry : marked) {
        const auto& row = entry->row;
        const bool off =
            row.state == State::shutoff || (row.state == State::crashed && !row.runtime);
        if (!off || row.autostart_boot == core_.boot_id) {
            continue;
        }
        Candidate candidate{row.uuid, row.name, core_.definition(row).spec.autostart, 0};
        if (candidate.policy.when == api::AutostartWhen::always || row.was_running) {
            found.push_back(std::move(candidate));
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
        return a.policy.order < b.policy.order;
    });
    return found;
}

/// Starts the first of `pending` that can be, again and again, until none is left.
void Autostarter::work_through(std::vector<Candidate> pending) {
    std::int64_t last_start = core_.clock.boot_ms();
    while (!pending.empty() && !stopped()) {
        const std::int64_t now = core_.clock.boot_ms();
        bool progress = false;
        for (auto it = pending.begin(); it != pending.end(); ++it) {
            it->waits_since =
                it->waits_since == 0 ? std::max<std::int64_t>(now, 1) : it->waits_since;
            const auto reason = missing(*it);
            if (reason && !timed_out(*it)) {
                continue;
            }
            const Candidate candidate = std::move(*it);
            pending.erase(it);
            progress = true;
            if (reason) {
                fail(candidate, *reason);
            } else {
                if (!pause_until(last_start + candidate.policy.delay_s * 1000LL, false)) {
                    return;
                }
                start_one(candidate);
                last_start = core_.clock.boot_ms();
            }
            break;
        }
        if (!progress && !pause_until(core_.clock.boot_ms() + tick_ms, true)) {
            return;
        }
    }
}

std::optional<std::string> Autostarter::missing(const Candidate& candidate) {
    for (const auto& after : candidate.policy.after) {
        const auto other = core_.directory.find(after.partition);
        if (!satisfied(other ? &other->row : nullptr, after.state, core_.lives,
                       core_.vmm_deadline())) {
            return "'" + after.partition + "' is not " + std::string(api::to_name(after.state));
        }
    }
    for (const auto& bridge : candidate.policy.require_bridges) {
        const std::string path = core_.options.sys + "/class/net/" + bridge + "/bridge";
        if (::access(path.c_str(), F_OK) != 0) {
            return "there is no bridge " + bridge;
        }
    }
    if (!candidate.policy.require_mounts.empty()) {
        const std::string mounts =
            posix::read_file(core_.options.proc + "/self/mountinfo", 16 * 1024 * 1024);
        for (const auto& mount : candidate.policy.require_mounts) {
            if (!is_mounted(mounts, mount)) {
                return "nothing is mounted at " + mount;
            }
        }
    }
    return std::nullopt;
}

bool Autostarter::timed_out(const Candidate& candidate) const {
    std::int64_t allowed = 0;
    for (const auto& after : candidate.policy.after) {
        allowed = std::max<std::int64_t>(allowed, after.timeout_s * 1000LL);
    }
    if (!candidate.policy.require_mounts.empty() || !candidate.policy.require_bridges.empty()) {
        allowed = std::max(allowed, host_timeout_ms);
    }
    return core_.clock.boot_ms() - candidate.waits_since >= allowed;
}

void Autostarter::start_one(const Candidate& candidate) {
    const auto entry = core_.directory.find(candidate.uuid);
    if (!entry || domain::is_live(entry->row.state)) {
        return; // somebody was faster
    }
    try {
        operations_.start(
            entry,
            {false, Deadline::after(start_timeout), Deadline::after(start_timeout), core_.boot_id},
            actor);
    } catch (const std::exception& error) {
        fail(candidate, error.what());
    }
}

void Autostarter::fail(const Candidate& candidate, const std::string& why) {
    core_.log(Severity::warning, "autostart of '" + candidate.name + "': " + why);
    core_.store.write([&](store::Transaction& t) {
        if (const auto row = t.find(candidate.uuid)) {
            t.set_autostart_done(row->id, core_.boot_id);
            t.event("partition.autostart-failed", row->id, actor, why);
        }
    });
}

} // namespace mshv::control
