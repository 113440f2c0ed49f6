// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/thaws.hpp"

#include "daemon/vmm/guest_agent.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <random>
#include <sstream>
#include <utility>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

/// In the database: a line "UUID INCARNATION TOKEN DUE" for each.
constexpr const char* record = "guest_freezes";
constexpr const char* thaw_actor = "freeze deadline";
/// How soon it is tried again when the guest does not answer.
constexpr std::int64_t retry_ms = 2000;
/// Threads of the pool that guests which do not answer may have.
constexpr std::size_t most_at_once = 8;

bool is_run(const store::PartitionRow& row, const std::string& incarnation) {
    return row.runtime && row.runtime->incarnation == incarnation;
}

} // namespace

Thaws::Freezes Thaws::read(store::Transaction& t) {
    Freezes freezes;
    std::istringstream lines(t.meta(record).value_or(""));
    std::string uuid, incarnation;
    Token token = 0;
    std::int64_t due = 0;
    while (lines >> uuid >> incarnation >> token >> due) {
        if (const auto known = api::parse_uuid(uuid)) {
            freezes[*known] = {incarnation, token, due, due};
        }
    }
    return freezes;
}

void Thaws::write(store::Transaction& t, const Freezes& freezes) {
    std::string text;
    for (const auto& [uuid, freeze] : freezes) {
        text += api::to_string(uuid) + " " + freeze.incarnation + " " +
                std::to_string(freeze.token) + " " + std::to_string(freeze.due) + "\n";
    }
    t.set_meta(record, text);
}

void Thaws::start() {
    Freezes found;
    core_.store.write([&](store::Transaction& t) { found = read(t); });
    {
        const posix::Lock lock(mutex_);
        freezes_ = std::move(found);
    }
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Thaws::stop() {
    if (thread_.joinable()) {
        thread_.request_stop();
        {
            const posix::Lock lock(mutex_);
            changed_.notify_all();
        }
        thread_.join();
    }
}

Thaws::Token Thaws::begin(const store::PartitionRow& row, std::int64_t due_boot_ms,
                           const std::string& actor, const std::string& detail) {
    std::random_device random;
    const Freeze freeze{row.runtime ? row.runtime->incarnation : "",
                        Token{random()} << 32 | random(),
                        due_boot_ms,
                        due_boot_ms,
                        false,
                        true,
                        false};
    MSHV_CRASHPOINT("control.before_freeze_record");
    core_.store.write([&](store::Transaction& t) {
        Freezes freezes = read(t);
        const auto found = freezes.find(row.uuid);
        if (found != freezes.end() && is_run(row, found->second.incarnation)) {
            throw Error(ErrorCode::wrong_state,
                        "The guest of '" + row.name + "' is frozen already", "thaw it first");
        }
        freezes[row.uuid] = freeze;
        write(t, freezes);
        t.event("partition.guest-freeze", row.id, actor, detail);
    });
    MSHV_CRASHPOINT("control.after_freeze_record");
    const posix::Lock lock(mutex_);
    freezes_[row.uuid] = freeze;
    changed_.notify_all();
    return freeze.token;
}

void Thaws::end(const api::Uuid& uuid, Token token, std::string_view event,
                const std::string& actor, const std::string& detail) {
    core_.store.write([&](store::Transaction& t) {
        Freezes freezes = read(t);
        const auto found = freezes.find(uuid);
        if (found == freezes.end() || found->second.token != token) {
            return;
        }
        freezes.erase(found);
        write(t, freezes);
        if (const auto row = t.find(uuid)) {
            t.event(event, row->id, actor, detail);
        }
    });
    const posix::Lock lock(mutex_);
    const auto found = freezes_.find(uuid);
    if (found != freezes_.end() && found->second.token == token) {
        freezes_.erase(found);
        changed_.notify_all();
    }
}

void Thaws::settle(const api::Uuid& uuid, Freezing how) {
    const posix::Lock lock(mutex_);
    if (const auto found = freezes_.find(uuid); found != freezes_.end()) {
        found->second.freezing = false;
        if (how == Freezing::in_doubt) {
            found->second.attempt = core_.clock.boot_ms();
        }
        changed_.notify_all();
    }
}

std::optional<Thaws::State> Thaws::find(const store::PartitionRow& row) const {
    const posix::Lock lock(mutex_);
    const auto found = freezes_.find(row.uuid);
    if (found == freezes_.end() || !is_run(row, found->second.incarnation)) {
        return std::nullopt;
    }
    return State{found->second.token, found->second.due, found->second.freezing};
}

void Thaws::run(const std::stop_token& stop) noexcept {
    posix::Lock lock(mutex_);
    while (!stop.stop_requested()) {
        const std::int64_t now = core_.clock.boot_ms();
        std::int64_t next = Clock::never;
        auto busy = static_cast<std::size_t>(
            std::count_if(freezes_.begin(), freezes_.end(),
                          [](const auto& freeze) { return freeze.second.trying; }));
        for (auto& [uuid, freeze] : freezes_) {
            if (freeze.trying || freeze.freezing) {
                continue;
            }
            if (freeze.attempt > now) {
                next = std::min(next, freeze.attempt);
                continue;
            }
            if (busy == most_at_once) {
                break; // one of them says when it is done
            }
            ++busy;
            freeze.trying = true;
            core_.pool.post([this, who = uuid] { step(who); });
        }
        core_.clock.wait(lock, changed_, next);
    }
}

void Thaws::step(const api::Uuid& uuid) noexcept {
    std::string incarnation;
    Token token = 0;
    {
        const posix::Lock lock(mutex_);
        const auto found = freezes_.find(uuid);
        if (found == freezes_.end()) {
            return;
        }
        incarnation = found->second.incarnation;
        token = found->second.token;
    }
    try {
        const auto entry = core_.directory.find(uuid);
        if (!entry || !is_run(entry->row, incarnation)) {
            end(uuid, token, "partition.guest-thawed", thaw_actor, "its run has ended");
            return;
        }
        thaw(entry->row, token);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::unsupported) {
            core_.log(Severity::warning, "a guest cannot be thawed: " + error.message());
            try {
                end(uuid, token, "partition.guest-thaw-failed", thaw_actor, error.message());
                return;
            } catch (const std::exception& unrecorded) {
                again(uuid, unrecorded.what());
                return;
            }
        }
        again(uuid, error.message());
    } catch (const std::exception& error) {
        again(uuid, error.what());
    }
}

void Thaws::thaw(const store::PartitionRow& row, Token token) {
    if (row.state != api::State::running && row.state != api::State::stopping) {
        throw Error(ErrorCode::wrong_state, "Partition '" + row.name + "' is " +
                                                std::string(api::to_name(row.state)));
    }
    const auto process = core_.process_of(row);
    auto* const agent = vmm::guest_agent_of(*process);
    if (agent == nullptr) {
        throw Error(ErrorCode::unsupported, "'" + row.name + "' has no guest agent channel");
    }
    const auto count = agent->thaw({core_.vmm_deadline(), core_.vmm_deadline(), thaw_actor});
    MSHV_CRASHPOINT("control.after_deadline_thaw");
    end(row.uuid, token, "partition.guest-thawed", thaw_actor,
        std::to_string(count) + " file systems");
}

void Thaws::again(const api::Uuid& uuid, const std::string& why) {
    bool first = false;
    {
        const posix::Lock lock(mutex_);
        const auto found = freezes_.find(uuid);
        if (found == freezes_.end()) {
            return;
        }
        first = !std::exchange(found->second.told, true);
        found->second.attempt = core_.clock.boot_ms() + retry_ms;
        found->second.trying = false;
        changed_.notify_all();
    }
    if (first) {
        core_.log(Severity::warning, "the thaw of " + api::to_string(uuid) +
                                         " is tried again until it succeeds: " + why);
    }
}

} // namespace mshv::control
