// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/disk_claim.hpp"
#include "daemon/store/rows.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/requests.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mshv::store {

struct Options {
    bool create = true; ///< make the database when there is none
    std::int64_t keep_events = 100'000;
    std::int64_t keep_history = 100'000;
    std::int64_t keep_revisions = 100;     ///< of each definition
    std::int64_t keep_jobs = 1'000;        ///< that have ended
    std::function<std::int64_t()> wall_ms; ///< empty = the system's clock
    /// Called once, on the committer's thread, when a commit's outcome cannot be known: the daemon
    /// must end, so that the next one finds out. Nothing is written after it.
    std::function<void(const std::string&)> fatal;
};

/// What one commit changed, in the order of commits: the directory in memory follows it.
struct Committed {
    std::vector<PartitionRow> changed;
    std::vector<PartitionNumber> removed;
    std::vector<api::Event> events;
};

/// A unit of work inside the present transaction. What it throws undoes the unit alone. Each change
/// writes its event with it; `actor` is who asked.
class Transaction {
public:
    virtual ~Transaction() = default;

    // ---- definitions ----
    /// Throws Error{exists}, naming the holder, when name, UUID or a MAC is taken.
    virtual PartitionRow insert(const Definition& definition, bool persistent,
                                const std::string& actor) = 0;
    /// Replaces the definition of the partition with the same UUID, which makes it persistent
    /// unless it is edited or rolled back. Throws Error{wrong_state} when `over` names another
    /// revision than the current one.
    virtual PartitionRow redefine(const Definition& definition, const Over& over,
                                  const std::string& actor) = 0;
    /// Removes a partition on which nothing runs.
    virtual void remove(PartitionNumber id, const std::string& kind, const std::string& actor,
                        const std::string& detail = {}) = 0;
    /// Throws Error{exists}.
    virtual PartitionRow rename(PartitionNumber id, const std::string& name,
                                const std::string& spec, const std::string& actor) = 0;
    virtual PartitionRow set_autostart(PartitionNumber id, bool enabled, unsigned order,
                                       const std::string& spec, const std::string& actor) = 0;
    /// A running partition whose definition was removed lives on until it ends.
    virtual PartitionRow make_transient(PartitionNumber id, const std::string& actor) = 0;

    // ---- life ----
    virtual std::optional<PartitionRow> find(PartitionNumber id) = 0;
    virtual std::optional<PartitionRow> find(const api::Uuid& uuid) = 0;
    /// Compare-and-set along the lifecycle table: false, and nothing changed, when the state has no
    /// edge for `why`.
    virtual bool change(PartitionNumber id, domain::Change why, api::Reason reason,
                        const std::string& actor, const std::string& detail = {}) = 0;
    virtual void put_intent(PartitionNumber id, const Intent& intent) = 0;
    virtual void drop_intent(PartitionNumber id) = 0;
    /// Records a run that has begun, and opens its row of the history.
    virtual void begin_run(PartitionNumber id, const Runtime& runtime,
                           const std::string& started_by) = 0;
    virtual void update_run(PartitionNumber id, const Runtime& runtime) = 0;
    /// Ends a run: state, history, runtime, intent, claims, and a transient partition itself.
    /// False when `end.incarnation` is not what runs.
    virtual bool end_run(PartitionNumber id, const RunEnd& end) = 0;
    /// A start that came to nothing: back to shutoff (or gone, with IntentKind::create), with a row
    /// in the history.
    virtual void abort_start(PartitionNumber id, const RunEnd& end) = 0;
    /// A restart that waited and is not to be: its intent goes, and a transient partition with it.
    /// False when none waits.
    virtual bool cancel_restart(PartitionNumber id, const RunEnd& end) = 0;
    /// Takes disks for the run that is being started, or that goes on; throws Error{exists} naming
    /// the holder where one of both writes, unless both share. end_run and abort_start
    /// give all of them back.
    virtual void claim_disks(PartitionNumber id, const std::vector<domain::DiskClaim>& claims) = 0;
    /// Gives back what the run has for one of its disks.
    virtual void release_disk(PartitionNumber id, const std::string& device) = 0;
    /// What the run has as `device` it has as `next` from now on, in the place of what that had.
    virtual void rename_disk(PartitionNumber id, const std::string& device,
                             const std::string& next) = 0;
    /// Takes a MAC address for the run, as a definition does for its partition: throws as insert().
    virtual void claim_mac(PartitionNumber id, const std::string& mac) = 0;
    virtual void release_mac(PartitionNumber id, const std::string& mac) = 0;
    /// What runs now, where it is no longer what the definition said.
    virtual void set_live_spec(PartitionNumber id, const LiveSpec& live) = 0;
    virtual void put_device_change(PartitionNumber id, const DeviceChange& change) = 0;
    virtual void drop_device_change(PartitionNumber id, const std::string& device) = 0;
    virtual void set_autostart_done(PartitionNumber id, const std::string& boot_id) = 0;

    /// The host is going down, and this is what begins with the partition or became of it: an
    /// event, the detail of its last run, and that it ran, for autostart's if-was-running.
    virtual void note_host_shutdown(PartitionNumber id, api::HostOutcome outcome,
                                    const std::string& actor, const std::string& detail) = 0;

    // ---- saving ----
    /// The file that the next start resumes from; empty = none.
    virtual void set_saved(PartitionNumber id, const std::string& path, const std::string& actor,
                           const std::string& detail) = 0;
    /// Returns the job's number.
    virtual std::int64_t add_job(const JobRow& job) = 0;
    virtual void set_job_phase(std::int64_t job, api::JobPhase phase) = 0;
    /// False when it has ended already. `job` has its number, end state and error.
    virtual bool end_job(const JobRow& job) = 0;

    // ---- pools of processors ----
    virtual std::vector<CpuPoolRow> cpu_pools() = 0;
    /// Who is to run in it, or does.
    virtual std::vector<PartitionRow> pool_users(const std::string& pool) = 0;
    /// Throws Error{exists}.
    virtual void add_cpu_pool(const CpuPoolRow& pool, const std::string& actor) = 0;
    /// `pool` as it is to be from now on; throws Error{exists} for a name that another has.
    virtual void set_cpu_pool(const std::string& name, const CpuPoolRow& pool,
                              const std::string& actor) = 0;
    virtual void remove_cpu_pool(const std::string& name, const std::string& actor) = 0;

    // ---- the rest ----
    /// An event of a partition, or of the daemon (id 0).
    virtual void event(std::string_view kind, PartitionNumber id, const std::string& actor,
                       const std::string& detail) = 0;
    virtual std::optional<std::string> meta(const std::string& key) = 0;
    virtual void set_meta(const std::string& key, const std::string& value) = 0;
};

/// The database: the truth about every partition. Thread-safe.
///
/// Writes of all threads go through one committer thread: what has queued while the last commit ran
/// becomes the next commit, each unit in a savepoint of its own. write() returns when the commit is
/// durable. Reads have a connection of their own and never wait for a write.
class Store {
public:
    /// Opens or makes the database. Throws Error{failed}: a schema newer than this program's, a
    /// file that is no database of mshv, a pragma that did not take.
    static std::unique_ptr<Store> open(const std::string& path, Options options = {});
    /// Ends the committer after what is queued, and closes.
    virtual ~Store() = default;
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    /// Runs `unit(Transaction&)` and returns its result once it is durable. Throws what the unit
    /// threw; no_resource when there was no room; outcome_unknown when the commit itself failed.
    template <typename F>
    auto write(F&& unit) -> std::invoke_result_t<F&, Transaction&> {
        using Result = std::invoke_result_t<F&, Transaction&>;
        if constexpr (std::is_void_v<Result>) {
            submit([&](Transaction& t) { unit(t); });
        } else {
            std::optional<Result> result;
            submit([&](Transaction& t) { result = unit(t); });
            return std::move(*result);
        }
    }

    /// Called on the committer's thread after each commit, before its write()s return; must not
    /// write. Set once, before the first write.
    virtual void set_observer(std::function<void(Committed&&)> observer) = 0;

    // ---- reads ----
    [[nodiscard]] virtual std::vector<PartitionRow> load() = 0;
    /// The definition of a partition; empty when there is none with this number.
    struct Text {
        std::string spec, xml;
        std::int64_t revision = 0;
    };
    /// `revision`: an earlier one than the current.
    [[nodiscard]] virtual std::optional<Text>
    definition(PartitionNumber id, std::optional<std::int64_t> revision = {}) = 0;
    /// What runs, where it is other than the definition that it was started with.
    [[nodiscard]] virtual std::optional<LiveSpec> live_spec(PartitionNumber id) = 0;
    /// By name.
    [[nodiscard]] virtual std::vector<CpuPoolRow> cpu_pools() = 0;
    [[nodiscard]] virtual std::vector<DeviceChange> device_changes(PartitionNumber id) = 0;
    /// Newest first, without their text.
    [[nodiscard]] virtual std::vector<api::Revision> revisions(PartitionNumber id,
                                                               std::size_t limit) = 0;
    [[nodiscard]] virtual api::EventPage events(std::int64_t since, std::size_t limit,
                                                const std::optional<api::Uuid>& partition) = 0;
    /// Newest first.
    [[nodiscard]] virtual std::vector<api::HistoryEntry>
    history(const std::optional<std::string>& name_or_uuid, std::size_t limit) = 0;
    /// Newest first, those that run and the newest of the others.
    [[nodiscard]] virtual std::vector<JobRow> jobs() = 0;
    /// The number of the newest event.
    [[nodiscard]] virtual std::int64_t last_seq() = 0;
    [[nodiscard]] virtual std::int64_t schema_version() const = 0;

    /// Everything that is wrong with the database: integrity_check, foreign_key_check and the rules
    /// of this module. Empty = sound.
    [[nodiscard]] virtual std::vector<std::string> fsck() = 0;
    /// A consistent copy of a database that another process may have open.
    static void backup_file(const std::string& database, const std::string& path);
    /// A consistent copy while the daemon works; `path` must not exist.
    virtual void backup(const std::string& path) = 0;

protected:
    virtual void submit(std::function<void(Transaction&)> unit) = 0;
};

} // namespace mshv::store
