// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/revision.hpp"
#include "toolstack/libs/api/spec.hpp"
#include "toolstack/libs/api/view.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

// Bodies of the requests in openapi.yaml; answers are PartitionView and its kin (view.hpp).

enum class CreateMode {
    transient, ///< start; gone from `list` when it ends
    define,    ///< store only
    persistent ///< store and start
};
MSHV_ENUM_NAMES(CreateMode, {CreateMode::transient, "transient"}, {CreateMode::define, "define"},
                {CreateMode::persistent, "persistent"});

/// POST /v1/partitions
struct CreateRequest {
    PartitionSpec spec;
    CreateMode mode = CreateMode::transient;
    std::string xml; ///< the document as it was written, for `dumpxml --as-given`
    bool paused = false;
    bool replace = false; ///< unless transient: replace the definition of the same name or UUID
    std::string owner;    ///< what an apply marks as its own; kept, and empty for all others
    Cause cause = Cause::defined;
    /// With define: the partition of that name, which is off and at this revision of its
    /// definition, goes for the new one; both or neither.
    std::optional<std::int64_t> recreates;
    std::uint64_t timeout_ms = 60'000;
};

/// POST /v1/partitions/{sel}/reset, /pause and /unpause
struct EmptyRequest {};

/// POST /v1/partitions/{sel}/start
struct StartRequest {
    bool paused = false;
    bool force = false;         ///< from the saved state although the disks have changed since
    bool discard_saved = false; ///< boot; the saved state is removed
    std::uint64_t timeout_ms = 60'000;
};

/// POST /v1/partitions/{sel}/shutdown and /reboot: answered at once; the ladder is climbed by the
/// daemon. GET …/wait tells when it is done.
struct ShutdownRequest {
    std::vector<ShutdownMethod> methods; ///< empty = the partition's own ladder
    std::optional<unsigned> timeout_s;   ///< empty = the partition's own
    std::optional<Escalate> escalate;
};

/// POST /v1/partitions/{sel}/destroy
struct DestroyRequest {
    std::uint64_t grace_ms = 0; ///< ask by ACPI first and wait so long
    std::uint64_t timeout_ms = 15'000;
    bool override_protection = false;
};

enum class HostOutcome {
    begun, ///< the partition's action follows
    shut_down,
    saved,
    destroyed,
    left,   ///< it runs on, and its VMM is killed with the host
    failed, ///< it could not even be seen to end
};
MSHV_ENUM_NAMES(HostOutcome, {HostOutcome::begun, "begun"}, {HostOutcome::shut_down, "shut-down"},
                {HostOutcome::saved, "saved"}, {HostOutcome::destroyed, "destroyed"},
                {HostOutcome::left, "left"}, {HostOutcome::failed, "failed"});

/// POST /v1/partitions/{sel}/host-shutdown: what whoever takes the host down has begun with a
/// partition, or what became of it. Recorded, nothing more.
struct HostShutdownRequest {
    HostOutcome outcome = HostOutcome::begun;
    std::string detail;
};

enum class Trigger { nmi, reset, power, sleep, s3resume };
MSHV_ENUM_NAMES(Trigger, {Trigger::nmi, "nmi"}, {Trigger::reset, "reset"},
                {Trigger::power, "power"}, {Trigger::sleep, "sleep"},
                {Trigger::s3resume, "s3resume"});

/// POST /v1/partitions/{sel}/trigger
struct TriggerRequest {
    Trigger trigger = Trigger::power;
};

/// POST /v1/partitions/{sel}/rename
struct RenameRequest {
    std::string name;
};

/// POST /v1/partitions/{sel}/autostart
struct AutostartRequest {
    bool enabled = true;
    std::optional<unsigned> order, delay_s;
};

/// GET /v1/partitions/{sel}/spec
struct StoredDefinition {
    PartitionSpec spec; ///< canonical: generated values filled in
    std::string xml;    ///< as given; empty when it came without
    std::int64_t revision = 0;
};

struct VcpuView {
    std::int64_t index = 0, thread_id = 0, cpu_time_ms = 0, last_cpu = -1;
    std::optional<std::int64_t>
        waiting_ms;       ///< it was ready and had no CPU; if the kernel counts it
    std::string state;    ///< xl's three letters: "r--", "-b-", "--p"
    std::string affinity; ///< "all" or "0-3,7"
    std::optional<HypervisorVpView> hypervisor; ///< under mshv, where the kernel counts
};

struct EventPage {
    std::vector<Event> events;
    std::int64_t last_seq = 0;   ///< give it as `since` next time
    std::int64_t oldest_seq = 0; ///< events before it have been pruned
};

struct VersionInfo {
    std::string version;
    std::int64_t schema = 0;
    std::int64_t pid = 0;
    std::int64_t started_ms = 0;
};

/// One line of `mshvctl info`: host, release, nr_cpus, total_memory, free_memory, hv_vendor,
/// hv_privileges, hv_scheduler, hv_partitions, vmm.qemu, accel.kvm, db_schema …
struct HostFact {
    std::string key, value;
};

/// GET /v1/host: facts of the root partition, of its VMMs and of the daemon, in the order in which
/// they are shown.
struct HostView {
    std::vector<HostFact> facts;
};

} // namespace mshv::api
