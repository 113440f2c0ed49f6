// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/connection.hpp"
#include "daemon/store/store.hpp"
#include "toolstack/libs/posix/mutex.hpp"

namespace mshv::store {

/// The reading connection. Readers take turns among themselves and never wait for the writer.
class Reader {
public:
    explicit Reader(const std::string& path) : connection_(path, Connection::Mode::read_only) {}

    std::vector<PartitionRow> load() MSHV_EXCLUDES(mutex_);
    std::optional<Store::Text> definition(PartitionNumber id, std::optional<std::int64_t> revision)
        MSHV_EXCLUDES(mutex_);
    std::optional<LiveSpec> live_spec(PartitionNumber id) MSHV_EXCLUDES(mutex_);
    std::vector<CpuPoolRow> cpu_pools() MSHV_EXCLUDES(mutex_);
    std::vector<DeviceChange> device_changes(PartitionNumber id) MSHV_EXCLUDES(mutex_);
    std::vector<api::Revision> revisions(PartitionNumber id, std::size_t limit)
        MSHV_EXCLUDES(mutex_);
    api::EventPage events(std::int64_t since, std::size_t limit,
                          const std::optional<api::Uuid>& partition) MSHV_EXCLUDES(mutex_);
    std::vector<api::HistoryEntry> history(const std::optional<std::string>& name_or_uuid,
                                           std::size_t limit) MSHV_EXCLUDES(mutex_);
    std::vector<JobRow> jobs() MSHV_EXCLUDES(mutex_);
    std::int64_t last_seq() MSHV_EXCLUDES(mutex_);
    std::vector<std::string> fsck() MSHV_EXCLUDES(mutex_);

private:
    /// Runs `query` with the connection to itself, in the words of the contract.
    template <typename F>
    auto with_connection(const char* what, F query) MSHV_EXCLUDES(mutex_) {
        posix::Lock lock(mutex_);
        try {
            return query(connection_);
        } catch (const SQLite::Exception& error) {
            throw translate(error, what);
        }
    }

    posix::Mutex mutex_;
    Connection connection_ MSHV_GUARDED_BY(mutex_);
};

/// See Store::backup().
void backup_database(const std::string& database, const std::string& path);

/// See Store::fsck().
std::vector<std::string> check_database(Connection& connection);

} // namespace mshv::store
