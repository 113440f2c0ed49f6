// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/connection.hpp"

#include "daemon/store/migrations.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/lock_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mshv::store {
namespace {

using api::Error;
using api::ErrorCode;

// Bytes, from SQLite's description of the file format; a frame is a page with its header.
constexpr std::int64_t log_header = 32;
constexpr std::int64_t log_frame = 24 + 4096;

/// One pragma that must have taken. SQLite answers an unknown one with silence, so all are read
/// back.
void expect(SQLite::Database& database, const char* query, const std::string& wanted) {
    SQLite::Statement statement(database, query);
    const std::string got =
        statement.executeStep() ? statement.getColumn(0).getString() : "nothing";
    if (got != wanted) {
        throw Error(ErrorCode::failed, std::string("The database answers '") + got + "' to " +
                                           query + " instead of '" + wanted + "'");
    }
}

void configure(SQLite::Database& database, sqlite3* handle, Connection::Mode mode) {
    sqlite3_extended_result_codes(handle, 1);
    int on = 0;
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
    if (on != 1) {
        throw Error(ErrorCode::failed, "SQLite's defensive mode cannot be switched on");
    }
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    database.exec("PRAGMA foreign_keys = ON");
    database.exec("PRAGMA trusted_schema = OFF");
    database.exec("PRAGMA temp_store = MEMORY");
    // The committer checkpoints by itself, so that a failure there is seen.
    database.exec("PRAGMA wal_autocheckpoint = 0");
    database.exec(mode == Connection::Mode::read_write ? "PRAGMA cache_size = -2000"
                                                       : "PRAGMA cache_size = -500");
    expect(database, "PRAGMA journal_mode", "wal");
    expect(database, "PRAGMA synchronous", "2");
    expect(database, "PRAGMA foreign_keys", "1");
    expect(database, "PRAGMA trusted_schema", "0");
    expect(database, "PRAGMA wal_autocheckpoint", "0");
}

struct Header {
    bool empty = true;
    std::int64_t user_version = 0;
    std::int64_t application_id = 0;
};

std::int64_t big_endian(const char* bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        value = (value << 8) | static_cast<unsigned char>(bytes[i]);
    }
    return value;
}

/// The header as it stands in the file: looked at before SQLite is, since opening a database may
/// already write to it. Every migration ends with a checkpoint, so the file knows its version.
Header read_header(const std::string& path, bool create) {
    if (create && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
        return {};
    }
    const posix::Fd file = posix::open_file(path, O_RDONLY);
    std::array<char, 100> bytes{};
    const auto length = posix::check(::pread(file.get(), bytes.data(), bytes.size(), 0), path);
    if (length == 0) {
        return {};
    }
    if (length < 100 || std::string_view(bytes.data(), 15) != "SQLite format 3") {
        throw Error(ErrorCode::failed, path + " is no database",
                    "restore it from a backup (mshvd --backup makes them)");
    }
    return {false, big_endian(&bytes[60]), big_endian(&bytes[68])};
}

/// A daemon that was killed while it made the database left a file whose header says nothing yet:
/// either no table stands in it, or the first migration waits in the write-ahead log.
Header unfinished_header(const std::string& path) {
    SQLite::Database database(path, SQLite::OPEN_READWRITE, 5000);
    const auto number = [&](const char* query) { return database.execAndGet(query).getInt64(); };
    Header header{number("SELECT count(*) FROM sqlite_schema") == 0, number("PRAGMA user_version"),
                  number("PRAGMA application_id")};
    return header;
}

void step(SQLite::Database& database, std::size_t version) {
    MSHV_CRASHPOINT("store.before_migration");
    // PRAGMA takes no bound parameters; both values are numbers of this program.
    const std::string pragmas = "PRAGMA application_id = " + std::to_string(application_id) +
                                "; PRAGMA user_version = " + std::to_string(version);
    database.exec("BEGIN IMMEDIATE");
    try {
        database.exec(std::string(migrations()[version - 1]));
        database.exec(pragmas);
        MSHV_CRASHPOINT("store.migration_before_commit");
        database.exec("COMMIT");
    } catch (...) {
        if (sqlite3_get_autocommit(database.getHandle()) == 0) {
            database.exec("ROLLBACK");
        }
        throw;
    }
    MSHV_CRASHPOINT("store.after_migration");
}

} // namespace

Connection::Connection(const std::string& path, Mode mode)
    : database_(path, SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, 5000) {
    configure(database_, database_.getHandle(), mode);
    if (mode == Mode::read_only) {
        database_.exec("PRAGMA query_only = ON");
    }
}

SQLite::Statement& Connection::statement(const char* sql) {
    auto& entry = statements_[sql];
    if (!entry) {
        entry = std::make_unique<SQLite::Statement>(database_, sql);
    } else {
        entry->tryReset();
        entry->clearBindings();
    }
    return *entry;
}

bool Connection::in_transaction() {
    return sqlite3_get_autocommit(handle()) == 0;
}

posix::Fd lock_database(const std::string& path) {
    auto lock = posix::lock_file(path + ".lock");
    if (!lock.file) {
        throw Error(
            ErrorCode::failed,
            "The database " + path + " is in use by another mshvd" +
                (lock.holder == 0 ? "" : " (pid " + std::to_string(lock.holder) + ")"),
            "stop it, or give this one its own state_dir");
    }
    return std::move(lock.file);
}

std::int64_t current_schema() {
    return static_cast<std::int64_t>(migrations().size());
}

void migrate(const std::string& path, bool create) {
    Header header = read_header(path, create);
    const std::int64_t newest = current_schema();
    if (!header.empty && header.application_id == 0 && header.user_version == 0) {
        header = unfinished_header(path);
    }
    if (!header.empty && header.application_id != application_id) {
        throw Error(ErrorCode::failed, path + " is a database of another program");
    }
    if (header.user_version > newest) {
        throw Error(ErrorCode::failed,
                    path + " has schema " + std::to_string(header.user_version) +
                        ", this mshvd knows up to " + std::to_string(newest),
                    "install the newer version again, or restore the copy that was made before the "
                    "upgrade");
    }
    if (!header.empty && header.user_version == newest) {
        return;
    }
    SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 5000);
    posix::check(::chmod(path.c_str(), 0600), path);
    configure(database, database.getHandle(), Connection::Mode::read_write);
    if (header.user_version > 0) {
        const std::string copy = path + ".v" + std::to_string(header.user_version);
        posix::remove_tree(copy);
        SQLite::Statement vacuum(database, "VACUUM INTO ?");
        vacuum.bind(1, copy);
        vacuum.exec();
        MSHV_CRASHPOINT("store.after_copy");
    }
    for (std::int64_t version = header.user_version + 1; version <= newest; ++version) {
        step(database, static_cast<std::size_t>(version));
    }
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

void reserve_log(Connection& connection, int frames) noexcept {
    sqlite3* const handle = connection.handle();
    int keep = 1;
    sqlite3_file_control(handle, nullptr, SQLITE_FCNTL_PERSIST_WAL, &keep);
    sqlite3_file* log = nullptr;
    sqlite3_int64 size = 0;
    if (sqlite3_file_control(handle, nullptr, SQLITE_FCNTL_JOURNAL_POINTER,
                             static_cast<void*>(&log)) != SQLITE_OK ||
        log == nullptr || log->pMethods == nullptr ||
        log->pMethods->xFileSize(log, &size) != SQLITE_OK) {
        return;
    }
    // A frame of zeros is the end of a log as good as the end of its file: its salt is wrong.
    constexpr std::array<char, 65536> zeros{};
    const sqlite3_int64 wanted = log_header + sqlite3_int64{frames} * log_frame;
    sqlite3_int64 end = size;
    while (end < wanted) {
        const auto length = std::min<sqlite3_int64>(zeros.size(), wanted - end);
        if (log->pMethods->xWrite(log, zeros.data(), static_cast<int>(length), end) != SQLITE_OK) {
            log->pMethods->xTruncate(log, size);
            return;
        }
        end += length;
    }
    if (end != size) {
        // Its blocks are there when the first commit comes.
        log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    }
}

api::Error translate(const SQLite::Exception& error, const std::string& what) {
    const int code = error.getErrorCode() & 0xff;
    const bool full = code == SQLITE_FULL || code == SQLITE_NOMEM;
    return api::Error(full ? ErrorCode::no_resource : ErrorCode::failed,
                      full ? what + ": no room left" : what + " failed",
                      full ? "free space in the folder of the database" : "")
        .because(error.getErrorStr())
        .because(error.what());
}

} // namespace mshv::store
