// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"
#include "toolstack/libs/api/identity.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

/// Where a partition is in its life. daemon/domain/lifecycle.hpp has the edges.
enum class State {
    shutoff,  ///< defined, nothing runs
    starting, ///< a start is under way
    running,
    paused,
    stopping,   ///< a shutdown was asked for, or a destroy is under way
    restarting, ///< the VMM ended and the keeper will respawn it
    crashed,    ///< ended by a failure; with on_crash=preserve its VMM is still there, stopped
    stuck,      ///< the VMM was killed but the kernel has not let it go
};
MSHV_ENUM_NAMES(State, {State::shutoff, "shutoff"}, {State::starting, "starting"},
                {State::running, "running"}, {State::paused, "paused"},
                {State::stopping, "stopping"}, {State::restarting, "restarting"},
                {State::crashed, "crashed"}, {State::stuck, "stuck"});

/// Why it is there.
enum class Reason {
    none,
    defined,        ///< never ran
    started,        ///< by a user or autostart
    guest_reboot,   ///< respawned because the guest rebooted itself
    restarted,      ///< respawned by the restart policy
    user,           ///< by a command (pause, unpause, destroy)
    guest_poweroff, ///< the guest powered itself off
    shutdown,       ///< ended after a shutdown command
    destroyed,      ///< ended by destroy
    guest_panic,    ///< the guest reported a panic
    vmm_failed,     ///< the VMM died or exited by itself
    vmm_killed,     ///< the VMM was killed by a signal that was not ours
    start_failed,
    restart_limit, ///< given up after too many respawns
    keeper_lost,   ///< the keeper died and its VMM is gone too
    host_reboot,   ///< the machine booted again meanwhile
    io_error,      ///< stopped by a disk error
    watchdog,
    saved, ///< ended since its state is in a file
};
MSHV_ENUM_NAMES(Reason, {Reason::none, "none"}, {Reason::defined, "defined"},
                {Reason::started, "started"}, {Reason::guest_reboot, "guest-reboot"},
                {Reason::restarted, "restarted"}, {Reason::user, "user"},
                {Reason::guest_poweroff, "guest-poweroff"}, {Reason::shutdown, "shutdown"},
                {Reason::destroyed, "destroyed"}, {Reason::guest_panic, "guest-panic"},
                {Reason::vmm_failed, "vmm-failed"}, {Reason::vmm_killed, "vmm-killed"},
                {Reason::start_failed, "start-failed"}, {Reason::restart_limit, "restart-limit"},
                {Reason::keeper_lost, "keeper-lost"}, {Reason::host_reboot, "host-reboot"},
                {Reason::io_error, "io-error"}, {Reason::watchdog, "watchdog"},
                {Reason::saved, "saved"});

/// An operation that holds a partition.
struct OperationView {
    std::string verb;          ///< create, start, destroy …
    std::string actor;         ///< "uid 0", "autostart", "restart policy"
    std::int64_t since_ms = 0; ///< wall clock, Unix milliseconds
};

/// What the hypervisor has for a partition, as the root's kernel tells it. What the kernel does not
/// tell is absent.
struct HypervisorView {
    std::int64_t partition_id = 0; ///< the hypervisor's own number
    std::optional<std::int64_t> vps;
    std::optional<std::int64_t> guest_memory;    ///< bytes that the guest has
    std::optional<std::int64_t> deposited_pages; ///< 4 KiB each, lent to the hypervisor for it
    std::optional<std::int64_t> withdrawn_pages; ///< of these, given back
    std::optional<std::int64_t> held_pages;      ///< what it has of them, by its own count
    std::optional<std::int64_t> cpu_time_ms;     ///< of its virtual processors
    std::optional<std::int64_t> waiting_ms;      ///< they could have run, and did not
    std::optional<std::int64_t> intercepts;      ///< that its VMM had to handle
    std::optional<std::int64_t> sample_age_ms;   ///< how old all of this is
};

/// The same for a virtual processor.
struct HypervisorVpView {
    std::optional<std::int64_t> cpu_time_ms; ///< in the guest, and in the hypervisor on its behalf
    std::optional<std::int64_t> waiting_ms;  ///< it could have run, and did not
    std::optional<std::int64_t> halted_ms;
    std::optional<std::int64_t> intercepts; ///< that its VMM had to handle
};

/// The live side: absent while nothing runs.
struct RuntimeView {
    std::int64_t keeper_pid = 0;
    std::int64_t vmm_pid = 0;
    std::string incarnation;     ///< run folder's name, new for each start
    std::int64_t generation = 1; ///< VMMs of this incarnation so far (1 + respawns)
    std::string accelerator;     ///< mshv, kvm, tcg: what was chosen
    std::string accelerator_reason;
    std::string vmm;                          ///< e.g. "qemu 7.2.22"
    std::int64_t started_ms = 0;              ///< wall clock of the first start of this incarnation
    std::int64_t uptime_ms = 0;               ///< since the present generation's start
    std::int64_t cpu_time_ms = 0;             ///< of the VMM process
    std::optional<std::int64_t> waiting_ms;   ///< its threads were ready and had no CPU
    std::int64_t rss = 0;                     ///< bytes, of the VMM process
    std::optional<std::int64_t> storage_read; ///< bytes that the VMM had read from storage
    std::optional<std::int64_t> storage_written;  ///< and written
    std::optional<std::int64_t> network_received; ///< bytes that the guest's taps brought it
    std::optional<std::int64_t> network_sent;     ///< and took from it
    std::int64_t sample_age_ms = 0; ///< how old the samples above are, from cpu_time_ms on
    bool responsive = true;         ///< did the VMM answer lately?
    bool suspended = false;         ///< its guest sleeps in RAM (ACPI S3) until it is woken
    std::int64_t revision = 0;      ///< of the definition with which it was started; 0 = not known
    bool pending = false; ///< the definition has since changed in what needs another start
    std::optional<std::int64_t> memory; ///< bytes that the balloon leaves the guest, if it said so
    std::optional<HypervisorView> hypervisor; ///< under mshv, where the kernel lists partitions
};

/// A partition that the hypervisor has and no VMM of this daemon's: shown, never touched.
struct UnmanagedPartition {
    std::string name;         ///< "hv:" and the hypervisor's number; selects nothing
    std::int64_t process = 0; ///< that made it
    HypervisorView hypervisor;
};

/// How the last run ended: absent before the first.
struct LastExit {
    std::int64_t at_ms = 0;
    Reason reason = Reason::none;
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::string detail; ///< the VMM's last words, bounded and escaped
};

/// What `list` and `info NAME` show.
struct PartitionView {
    PartitionNumber id = 0;
    Uuid uuid{};
    std::string name;
    std::string title;
    State state = State::shutoff;
    Reason reason = Reason::defined;
    bool persistent = true;
    bool autostart = false;
    std::int64_t memory = 0; ///< bytes
    std::int64_t vcpus = 1;
    std::map<std::string, std::string> labels;
    std::int64_t state_since_ms = 0;
    std::int64_t revision = 0; ///< of the definition
    std::string owner;         ///< the apply that made it; empty = none did
    bool saved = false;        ///< its state is kept by the daemon: start resumes from it
    std::optional<OperationView> operation;
    std::optional<RuntimeView> runtime;
    std::optional<LastExit> last_exit;
};

/// One thing that happened; durable, and numbered without gaps in the order of commits.
struct Event {
    std::int64_t seq = 0;
    std::int64_t at_ms = 0; ///< wall clock, Unix milliseconds
    std::string kind;       ///< "partition.defined", "partition.state", "daemon.started" …
    std::optional<Uuid> uuid;
    PartitionNumber id = 0;
    std::string name;
    std::string actor;
    std::optional<State> from, to;
    std::optional<Reason> reason;
    std::string detail;
};

/// One run of a partition, from start to end; the rows of `history`.
struct HistoryEntry {
    PartitionNumber id = 0;
    Uuid uuid{};
    std::string name;
    std::int64_t started_ms = 0;
    std::string started_by;
    std::optional<std::int64_t> ended_ms;
    std::string ended_by;
    Reason reason = Reason::none;
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::int64_t generations = 1;
    std::string detail;
};

} // namespace mshv::api
