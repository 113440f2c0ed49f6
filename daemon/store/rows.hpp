// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/lifecycle.hpp"
#include "toolstack/libs/api/enum_names.hpp"
#include "toolstack/libs/api/job.hpp"
#include "toolstack/libs/api/revision.hpp"
#include "toolstack/libs/api/spec.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/libs/posix/pidfd.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mshv::store {

using api::PartitionNumber;

/// What is being done to a partition: written before the first effect, removed in the transaction
/// that records the last. A daemon that finds one finishes or undoes it.
enum class IntentKind {
    create,   ///< insert and start: undone by deleting the partition
    start,    ///< undone by going back to shutoff
    destroy,  ///< finished
    shutdown, ///< the ladder goes on until its deadline
    reboot,   ///< the same
    restart,  ///< nothing runs; the restart policy starts it at the deadline
    save,     ///< finished: its state is in a file, and the VMM is being ended
    restore,  ///< finished: its state is in the VMM, which shall run
};

struct Intent {
    IntentKind kind = IntentKind::start;
    std::string actor;
    std::int64_t started_ms = 0;    ///< wall clock, for people
    std::int64_t started_boot = 0;  ///< CLOCK_BOOTTIME milliseconds
    std::int64_t deadline_boot = 0; ///< the same; INT64_MAX = none
    std::string incarnation;        ///< of the run that it makes or ends; a restart has none yet
    // The ladder of a shutdown or reboot:
    std::vector<api::ShutdownMethod> methods;
    unsigned resend_s = 0;
    api::Escalate escalate = api::Escalate::none;

    bool operator==(const Intent&) const = default;
};

/// The live side of a partition: how to find its keeper again, and what it reported.
struct Runtime {
    std::string incarnation;
    std::string run_dir;
    std::string nonce;
    std::string boot_id;
    posix::ProcessIdentity keeper;
    posix::ProcessIdentity vmm;
    std::int64_t generation = 1;
    std::int64_t acked_seq = 0; ///< last keeper event whose effect is in this database
    std::int64_t started_ms = 0;
    std::int64_t generation_started_ms = 0;
    std::string accelerator, accelerator_reason, vmm_version;
    bool responsive = true;
    std::int64_t revision = 0; ///< of the definition that it was started with; 0 = not known
    bool pending = false;      ///< the definition has since changed in what needs a start
    bool suspended = false;    ///< the guest sleeps in RAM

    bool operator==(const Runtime&) const = default;
};

/// What runs, as JSON, where devices of it have come or gone.
struct LiveSpec {
    std::string spec;
    std::string
        started{}; ///< what its machine was made of; empty = the run's revision, or as it is
};

/// A pool of the host's processors.
struct CpuPoolRow {
    std::string name;
    std::string cpus; ///< "0-3,7"; empty = none
    bool operator==(const CpuPoolRow&) const = default;
};

enum class DeviceClass { disk, interface };

/// A device of a run on its way: written before the VMM hears of it, removed with what came of it.
struct DeviceChange {
    enum class Kind { attach, detach, resize, link, medium };
    std::string device; ///< alias
    Kind kind = Kind::attach;
    DeviceClass device_class = DeviceClass::disk;
    std::string what;    ///< the disk or interface as JSON; kinds link and medium: as it shall be
    bool config = false; ///< in the definition, too, once it is done
    std::string actor;
    std::int64_t started_ms = 0;
    std::int64_t size = 0; ///< bytes that the disk shall have
    std::string before{};  ///< kind medium: what the VMM called the medium until then
    bool operator==(const DeviceChange&) const = default;
};

/// All of a partition but its definition's text: what a list needs.
struct PartitionRow {
    PartitionNumber id = 0;
    api::Uuid uuid{};
    std::string name;
    std::string title;
    bool persistent = true;
    std::int64_t memory = 0;
    std::int64_t vcpus = 1;
    std::map<std::string, std::string> labels;
    bool autostart = false;
    unsigned autostart_order = 100;
    bool protect_destroy = false, protect_delete = false;

    api::State state = api::State::shutoff;
    api::Reason reason = api::Reason::defined;
    std::int64_t state_since_ms = 0;
    bool was_running = false;   ///< ran when the host went down: for autostart's if-was-running
    std::string autostart_boot; ///< boot for which autostart is done with it
    std::optional<api::LastExit> last_exit;
    std::int64_t revision = 1; ///< of the definition
    std::string owner;         ///< the apply that made it; empty = none did
    std::string saved;         ///< the file that start resumes from; empty = none
    std::optional<Runtime> runtime;
    std::optional<Intent> intent;
    bool changing = false; ///< a device of it is on its way
};

/// What define writes: the spec's text and the columns drawn from it, and why.
struct Definition {
    api::Uuid uuid{};
    std::string name;
    std::string title;
    std::string spec; ///< JSON, canonical
    std::string xml;  ///< as given; may be empty
    std::int64_t memory = 0;
    std::int64_t vcpus = 1;
    std::map<std::string, std::string> labels;
    std::vector<std::string> macs; ///< no other partition may have one of them
    bool autostart = false;
    unsigned autostart_order = 100;
    bool protect_destroy = false, protect_delete = false;
    api::Cause cause = api::Cause::defined;
    std::string detail; ///< of the cause
    std::string owner;  ///< only of a new partition: it stays
};

/// What a definition replaces.
struct Over {
    /// Refused when the current revision is another.
    std::optional<std::int64_t> revision;
    bool pending = false; ///< the present run has not got all of it
};

/// How a run ended.
struct RunEnd {
    std::string incarnation; ///< a run that is not this one is left alone
    domain::Change change = domain::Change::end;
    api::Reason reason = api::Reason::none;
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::string detail;
    std::string actor;
    std::int64_t at_ms = 0; ///< 0 = now
    bool host_gone = false; ///< the machine went down with it
    /// What follows by itself (IntentKind::restart): even a transient partition stays for it.
    std::optional<Intent> restart;
};

/// Long work, from its intent to its end. A daemon that finds one `running` goes on with it or
/// undoes it, and says so in it.
struct JobRow {
    std::int64_t id = 0;
    api::JobKind kind = api::JobKind::save;
    api::JobState state = api::JobState::running;
    api::JobPhase phase = api::JobPhase::preparing; ///< only what was durable: see Transaction
    PartitionNumber partition = 0;                  ///< by value: the job outlives it
    api::Uuid uuid{};
    std::string name;
    std::string incarnation; ///< of the run that is saved or made
    std::string path;
    std::string token;       ///< in the file's manifest: whose it is
    bool managed = false;
    api::AfterSave then = api::AfterSave::end;
    bool was_running = false; ///< its processors ran before they were stopped for it
    std::string actor;
    std::int64_t started_ms = 0;
    std::optional<std::int64_t> ended_ms;
    std::string error, message, hint; ///< why it failed
};

} // namespace mshv::store

namespace mshv::api {

MSHV_ENUM_NAMES(store::IntentKind, {store::IntentKind::create, "create"},
                {store::IntentKind::start, "start"}, {store::IntentKind::destroy, "destroy"},
                {store::IntentKind::shutdown, "shutdown"}, {store::IntentKind::reboot, "reboot"},
                {store::IntentKind::restart, "restart"}, {store::IntentKind::save, "save"},
                {store::IntentKind::restore, "restore"});
MSHV_ENUM_NAMES(store::DeviceChange::Kind, {store::DeviceChange::Kind::attach, "attach"},
                {store::DeviceChange::Kind::detach, "detach"},
                {store::DeviceChange::Kind::resize, "resize"},
                {store::DeviceChange::Kind::link, "link"},
                {store::DeviceChange::Kind::medium, "medium"});
MSHV_ENUM_NAMES(store::DeviceClass, {store::DeviceClass::disk, "disk"},
                {store::DeviceClass::interface, "interface"});

} // namespace mshv::api
