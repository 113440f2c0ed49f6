// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/reader.hpp"

#include "daemon/store/row_codec.hpp"
#include "daemon/store/unit.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace mshv::store {
namespace {

constexpr std::size_t most_rows = 10'000;
constexpr const char* newest_event =
    "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'";

std::int64_t limit_of(std::size_t limit) {
    return static_cast<std::int64_t>(std::min(limit == 0 ? most_rows : limit, most_rows));
}

std::int64_t only_number(Connection& connection, const char* sql) {
    auto& s = connection.statement(sql);
    const std::int64_t value = s.executeStep() ? s.getColumn(0).getInt64() : 0;
    s.reset();
    return value;
}

api::HistoryEntry history_at(SQLite::Statement& s) {
    api::HistoryEntry entry;
    entry.id = column_int(s, 0);
    entry.uuid = column_uuid(s, 1);
    entry.name = s.getColumn(2).getString();
    entry.started_ms = column_int(s, 3);
    entry.started_by = s.getColumn(4).getString();
    if (!s.getColumn(5).isNull()) {
        entry.ended_ms = column_int(s, 5);
    }
    entry.ended_by = s.getColumn(6).getString();
    entry.reason = column_enum<api::Reason>(s, 7);
    entry.exit_code = column_optional(s, 8);
    entry.signal = column_optional(s, 9);
    entry.generations = column_int(s, 10);
    entry.detail = s.getColumn(11).getString();
    return entry;
}

#define MSHV_HISTORY_COLUMNS                                                                       \
    "SELECT partition, uuid, name, started, started_by, ended, ended_by, reason, exit_code, "      \
    "exit_signal, generations, detail FROM history "
constexpr const char* history_all = MSHV_HISTORY_COLUMNS "ORDER BY seq DESC LIMIT ?";
constexpr const char* history_by_name =
    MSHV_HISTORY_COLUMNS "WHERE name = ? ORDER BY seq DESC LIMIT ?";
constexpr const char* history_by_uuid =
    MSHV_HISTORY_COLUMNS "WHERE uuid = ? ORDER BY seq DESC LIMIT ?";
#undef MSHV_HISTORY_COLUMNS

} // namespace

std::vector<PartitionRow> Reader::load() {
    return with_connection("Loading the partitions",
                           [](Connection& connection) { return read_rows(connection); });
}

std::optional<LiveSpec> Reader::live_spec(PartitionNumber id) {
    return with_connection("Reading what runs", [&](Connection& connection) {
        auto& s = connection.statement("SELECT spec, started FROM live_spec WHERE partition = ?");
        s.bind(1, id);
        std::optional<LiveSpec> live;
        if (s.executeStep()) {
            live = {s.getColumn(0).getString(), s.getColumn(1).getString()};
        }
        s.reset();
        return live;
    });
}

std::vector<CpuPoolRow> Reader::cpu_pools() {
    return with_connection("Reading the pools of processors", read_cpu_pools);
}

std::vector<DeviceChange> Reader::device_changes(PartitionNumber id) {
    return with_connection("Reading what changes", [&](Connection& connection) {
        auto& s =
            connection.statement("SELECT device, kind, class, what, config, actor, started, size, "
                                 "before FROM device_change WHERE partition = ? ORDER BY started");
        s.bind(1, id);
        std::vector<DeviceChange> changes;
        while (s.executeStep()) {
            changes.push_back({s.getColumn(0).getString(), column_enum<DeviceChange::Kind>(s, 1),
                               column_enum<DeviceClass>(s, 2), s.getColumn(3).getString(),
                               column_int(s, 4) != 0, s.getColumn(5).getString(), column_int(s, 6),
                               column_int(s, 7), s.getColumn(8).getString()});
        }
        s.reset();
        return changes;
    });
}

std::optional<Store::Text> Reader::definition(PartitionNumber id,
                                              std::optional<std::int64_t> revision) {
    return with_connection("Reading a definition", [&](Connection& connection) {
        auto& s = connection.statement(
            revision ? "SELECT spec, xml, number FROM revision WHERE partition = ? AND number = ?"
                     : "SELECT r.spec, r.xml, r.number FROM partition p JOIN revision r ON "
                       "r.partition = p.id AND r.number = p.revision WHERE p.id = ?");
        Binder binder{s};
        binder << id;
        if (revision) {
            binder << *revision;
        }
        std::optional<Store::Text> text;
        if (s.executeStep()) {
            text = Store::Text{s.getColumn(0).getString(), s.getColumn(1).getString(),
                               column_int(s, 2)};
        }
        s.reset();
        return text;
    });
}

std::vector<api::Revision> Reader::revisions(PartitionNumber id, std::size_t limit) {
    return with_connection("Reading the revisions", [&](Connection& connection) {
        auto& s = connection.statement("SELECT number, at, actor, cause, detail FROM revision "
                                       "WHERE partition = ? ORDER BY number DESC LIMIT ?");
        Binder{s} << id << limit_of(limit);
        std::vector<api::Revision> revisions;
        while (s.executeStep()) {
            revisions.push_back({column_int(s, 0), column_int(s, 1), s.getColumn(2).getString(),
                                 column_enum<api::Cause>(s, 3), s.getColumn(4).getString()});
        }
        s.reset();
        return revisions;
    });
}

api::EventPage Reader::events(std::int64_t since, std::size_t limit,
                              const std::optional<api::Uuid>& partition) {
    return with_connection("Reading events", [&](Connection& connection) {
        api::EventPage page;
        const std::int64_t newest = only_number(connection, newest_event);
        page.oldest_seq = only_number(connection, "SELECT coalesce(min(seq), 0) FROM event");
        auto& s = connection.statement(
            partition ? "SELECT * FROM event WHERE seq > ? AND uuid = ? ORDER BY seq LIMIT ?"
                      : "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?");
        Binder binder{s};
        binder << since;
        if (partition) {
            binder << api::to_string(*partition);
        }
        binder << limit_of(limit);
        while (s.executeStep()) {
            page.events.push_back(read_event(s));
        }
        s.reset();
        // A full page ends at its last event; a page with room has seen all there is.
        const bool full = std::cmp_greater_equal(page.events.size(), limit_of(limit));
        page.last_seq = full ? page.events.back().seq : newest;
        return page;
    });
}

std::vector<api::HistoryEntry> Reader::history(const std::optional<std::string>& name_or_uuid,
                                               std::size_t limit) {
    return with_connection("Reading the history", [&](Connection& connection) {
        const auto uuid = name_or_uuid ? api::parse_uuid(*name_or_uuid) : std::nullopt;
        auto& s = connection.statement(!name_or_uuid ? history_all
                                       : uuid        ? history_by_uuid
                                                     : history_by_name);
        Binder binder{s};
        if (name_or_uuid) {
            binder << (uuid ? api::to_string(*uuid) : *name_or_uuid);
        }
        binder << limit_of(limit);
        std::vector<api::HistoryEntry> entries;
        while (s.executeStep()) {
            entries.push_back(history_at(s));
        }
        s.reset();
        return entries;
    });
}

std::vector<JobRow> Reader::jobs() {
    return with_connection("Reading the jobs",
                           [](Connection& connection) { return read_jobs(connection); });
}

std::int64_t Reader::last_seq() {
    return with_connection("Reading the last event", [](Connection& connection) {
        return only_number(connection, newest_event);
    });
}

std::vector<std::string> Reader::fsck() {
    return with_connection("Checking the database",
                           [](Connection& connection) { return check_database(connection); });
}

void backup_database(const std::string& database, const std::string& path) {
    try {
        // A connection of its own: queries go on, and theirs may not write at all.
        Connection connection(database, Connection::Mode::read_write);
        SQLite::Statement vacuum(connection.database(), "VACUUM INTO ?");
        vacuum.bind(1, path);
        vacuum.exec();
    } catch (const SQLite::Exception& error) {
        throw translate(error, "The backup to " + path);
    }
    // VACUUM INTO leaves the flush to its caller.
    const posix::Fd file = posix::open_file(path, O_RDONLY);
    posix::check(::fsync(file.get()), path);
}

} // namespace mshv::store
