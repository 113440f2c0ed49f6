// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/census.hpp"
#include "daemon/control/directory.hpp"
#include "daemon/control/event_hub.hpp"
#include "daemon/control/factory.hpp"
#include "daemon/control/live.hpp"
#include "daemon/control/operation_lock.hpp"
#include "daemon/control/work_pool.hpp"
#include "toolstack/libs/api/cpu_set.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace mshv::control {

/// What every part of control uses. Owned by the service; the parts hold references.
class Core {
public:
    explicit Core(const Dependencies& dependencies);

    store::Store& store;
    vmm::VmmHost& vmm;
    const cgroup::Groups& groups;
    Clock& clock;
    const Dirs dirs;
    const Hooks hooks;
    const ServiceOptions options;
    const std::string boot_id;

    Directory directory;
    EventHub hub;
    OperationLocks locks;
    LiveTable lives;
    WorkPool pool;
    CensusRecord census;
    /// Held from a look into the database to the writes to control groups that follow from it:
    /// short system calls.
    posix::Mutex grouping;
    /// Called on the committer's thread after each change of the directory; set before any write.
    std::function<void()> changed;
    /// Something happened to the devices of a run: look what. `gone`: one that the guest let go of.
    std::function<void(const api::Uuid&, const std::string& gone)> devices_moved;
    /// A VMM of a run may have other settings than those that are recorded: look.
    std::function<void(const api::Uuid&)> settings_due;
    /// The processes of a run are gone.
    std::function<void(const api::Uuid&)> run_left;

    void log(Severity severity, std::string_view text) const;
    /// For one exchange with a VMM that no user gave a deadline for.
    [[nodiscard]] Deadline vmm_deadline() const;
    /// Whom the host has spoken with on a bridge.
    [[nodiscard]] std::vector<net::Neighbour> neighbours(const std::string& bridge) const;

    /// The store's observer.
    void on_commit(const store::Committed& committed);

    /// An entry with what is true of it at the moment: operation, runtime, samples.
    [[nodiscard]] api::PartitionView view(const Directory::Entry& entry);
    [[nodiscard]] api::PartitionView view(const api::Uuid& uuid);
    /// The same for whoever looked up the operations of many at once.
    [[nodiscard]] api::PartitionView view_with(const Directory::Entry& entry,
                                               const std::optional<api::OperationView>& operation);
    /// Waits until event `told` of a run is recorded, so that whoever is answered next sees what it
    /// says, or until that run is over. False at the deadline. Throws as Directory::wait().
    bool await_recorded(const api::Uuid& uuid, const std::string& incarnation, std::int64_t told,
                        Deadline deadline);
    /// The rows of `list`.
    [[nodiscard]] std::string list_json(bool include_off);

    /// As Directory::resolve; what the hypervisor has beside them is refused by its own word.
    [[nodiscard]] Directory::EntryPtr resolve(const api::Selector& selector) const;

    /// The definition as it is stored, or as it was at `revision`. Throws Error{not_found}.
    [[nodiscard]] api::StoredDefinition definition(const store::PartitionRow& row,
                                                   std::optional<std::int64_t> revision = {});

    /// An intent of this moment, for the store.
    [[nodiscard]] store::Intent new_intent(store::IntentKind kind, const std::string& actor,
                                           Deadline deadline, std::string incarnation) const;

    /// The definition of what runs: as it was started, and as its devices were changed since.
    [[nodiscard]] api::PartitionSpec running_spec(const store::PartitionRow& row);
    /// The definition that its machine was made of.
    [[nodiscard]] api::PartitionSpec started_spec(const store::PartitionRow& row);

    /// Takes the partition's operation lock.
    OperationLocks::Guard lock(const store::PartitionRow& row, std::string_view verb,
                               const std::string& actor, Deadline deadline,
                               std::string incarnation = {});
    /// A partition with its lock held and its row as it is under it.
    struct Held {
        OperationLocks::Guard guard;
        store::PartitionRow row;
    };
    /// Takes the lock for `verb`; throws not_found when the partition went meanwhile.
    Held hold(const Directory::Entry& entry, std::string_view verb, const std::string& actor,
              Deadline wait_busy);

    /// Why this host cannot run `spec` as it says.
    [[nodiscard]] std::vector<api::Problem> objections(const api::PartitionSpec& spec);
    /// What holds the threads of who runs as `spec` says.
    [[nodiscard]] cgroup::Settings group_settings(const api::PartitionSpec& spec);
    /// Makes the control group that a run is to begin in, where this host has them.
    void make_group(const api::Uuid& uuid, const api::PartitionSpec& spec);
    /// The processors of a pool, of "" those that are in none; empty when there is no such pool.
    [[nodiscard]] std::optional<api::CpuSet>
    cpus_of_pool(const std::string& name, const std::vector<store::CpuPoolRow>& all);

    /// What a run is talked to by; throws wrong_state where nothing runs or answers yet.
    [[nodiscard]] std::shared_ptr<vmm::VmmProcess> process_of(const store::PartitionRow& row);

private:
    void add_live_parts(api::PartitionView& view, const store::PartitionRow& row);
};

/// Throws Error{wrong_state} when `verb` is not possible in the row's state, or needs a VMM that is
/// not there.
void require(domain::Verb verb, const store::PartitionRow& row);

/// The columns of a canonical spec.
store::Definition make_definition(const api::PartitionSpec& spec, std::string xml);

} // namespace mshv::control
