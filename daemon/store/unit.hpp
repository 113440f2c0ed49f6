// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/connection.hpp"
#include "daemon/store/store.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::store {

std::vector<CpuPoolRow> read_cpu_pools(Connection& connection);

/// The Transaction that the committer hands to units. It collects what they touched.
class Unit final : public Transaction {
public:
    Unit(Connection& connection, const Options& options)
        : connection_(connection), options_(options) {}

    PartitionRow insert(const Definition& definition, bool persistent,
                        const std::string& actor) override;
    PartitionRow redefine(const Definition& definition, const Over& over,
                          const std::string& actor) override;
    void remove(PartitionNumber id, const std::string& kind, const std::string& actor,
                const std::string& detail) override;
    PartitionRow rename(PartitionNumber id, const std::string& name, const std::string& spec,
                        const std::string& actor) override;
    PartitionRow set_autostart(PartitionNumber id, bool enabled, unsigned order,
                               const std::string& spec, const std::string& actor) override;
    PartitionRow make_transient(PartitionNumber id, const std::string& actor) override;

    std::optional<PartitionRow> find(PartitionNumber id) override;
    std::optional<PartitionRow> find(const api::Uuid& uuid) override;
    bool change(PartitionNumber id, domain::Change why, api::Reason reason,
                const std::string& actor, const std::string& detail) override;
    void put_intent(PartitionNumber id, const Intent& intent) override;
    void drop_intent(PartitionNumber id) override;
    void begin_run(PartitionNumber id, const Runtime& runtime,
                   const std::string& started_by) override;
    void update_run(PartitionNumber id, const Runtime& runtime) override;
    bool end_run(PartitionNumber id, const RunEnd& end) override;
    void abort_start(PartitionNumber id, const RunEnd& end) override;
    bool cancel_restart(PartitionNumber id, const RunEnd& end) override;
    void claim_disks(PartitionNumber id, const std::vector<domain::DiskClaim>& claims) override;
    void release_disk(PartitionNumber id, const std::string& device) override;
    void rename_disk(PartitionNumber id, const std::string& device,
                     const std::string& next) override;
    void claim_mac(PartitionNumber id, const std::string& mac) override;
    void release_mac(PartitionNumber id, const std::string& mac) override;
    void set_live_spec(PartitionNumber id, const LiveSpec& live) override;
    void put_device_change(PartitionNumber id, const DeviceChange& change) override;
    void drop_device_change(PartitionNumber id, const std::string& device) override;
    void set_autostart_done(PartitionNumber id, const std::string& boot_id) override;

    void note_host_shutdown(PartitionNumber id, api::HostOutcome outcome, const std::string& actor,
                            const std::string& detail) override;

    void set_saved(PartitionNumber id, const std::string& path, const std::string& actor,
                   const std::string& detail) override;
    std::int64_t add_job(const JobRow& job) override;
    void set_job_phase(std::int64_t job, api::JobPhase phase) override;
    bool end_job(const JobRow& job) override;

    std::vector<CpuPoolRow> cpu_pools() override;
    std::vector<PartitionRow> pool_users(const std::string& pool) override;
    void add_cpu_pool(const CpuPoolRow& pool, const std::string& actor) override;
    void set_cpu_pool(const std::string& name, const CpuPoolRow& pool,
                      const std::string& actor) override;
    void remove_cpu_pool(const std::string& name, const std::string& actor) override;

    void event(std::string_view kind, PartitionNumber id, const std::string& actor,
               const std::string& detail) override;
    std::optional<std::string> meta(const std::string& key) override;
    void set_meta(const std::string& key, const std::string& value) override;

    // ---- for the committer ----
    /// Where a unit begins; what came after a mark is forgotten with the unit.
    struct Mark {
        std::size_t touched, removed, events;
    };
    [[nodiscard]] Mark mark() const { return {touched_.size(), removed_.size(), events_.size()}; }
    void forget(const Mark& mark);
    /// What the whole transaction changed. Reads the rows: call it before the commit.
    Committed take();
    /// The number of the last event, which a commit makes durable.
    std::int64_t last_seq();

private:
    PartitionRow must_find(PartitionNumber id);
    void check_free(const Definition& definition, PartitionNumber self);
    void check_free_mac(const std::string& mac, PartitionNumber self);
    void write_parts(PartitionNumber id, const Definition& definition);
    /// The text and why it is there.
    struct Text {
        const std::string& spec;
        const std::string& xml;
        api::Cause cause;
        std::string detail;
    };
    /// Writes the next revision and makes it the current one.
    std::int64_t add_revision(PartitionNumber id, const Text& text, const std::string& actor);
    /// The next revision with another spec and the same document.
    void add_respecified(PartitionNumber id, const std::string& spec, api::Cause cause,
                         const std::string& detail, const std::string& actor);
    void refuse_other_revision(const PartitionRow& row, std::int64_t expected);
    void touch(PartitionNumber id) { touched_.push_back(id); }
    /// What an event says of the change that it belongs to.
    struct Told {
        std::string_view kind;
        std::string actor;
        std::string detail;
        std::optional<api::State> from, to;
        std::optional<api::Reason> reason;
    };
    void append_event(const PartitionRow* row, const Told& told);
    void close_history(const RunEnd& end, const Runtime& runtime);
    void release_run(PartitionNumber id);
    void go_on_or_go(const PartitionRow& row, const RunEnd& end, bool stays);
    [[nodiscard]] std::int64_t now_ms() const { return options_.wall_ms(); }

    Connection& connection_;
    const Options& options_;
    std::vector<PartitionNumber> touched_;
    std::vector<PartitionNumber> removed_;
    std::vector<api::Event> events_;
};

} // namespace mshv::store
