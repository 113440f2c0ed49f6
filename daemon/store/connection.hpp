// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/store.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mshv::store {

/// "mshv": tells our files from others.
inline constexpr std::int32_t application_id = 0x6d736876;

/// One connection with its compiled statements. Not thread-safe.
class Connection {
public:
    enum class Mode { read_write, read_only };

    /// Opens `path`, sets the pragmas and reads them back.
    Connection(const std::string& path, Mode mode);

    /// A statement ready for binding. `sql` must be a literal: its address is the key.
    SQLite::Statement& statement(const char* sql);
    /// Runs a statement without parameters and results.
    void run(const char* sql) { statement(sql).exec(); }

    [[nodiscard]] SQLite::Database& database() { return database_; }
    [[nodiscard]] sqlite3* handle() { return database_.getHandle(); }
    [[nodiscard]] bool in_transaction();

private:
    SQLite::Database database_;
    std::unordered_map<const char*, std::unique_ptr<SQLite::Statement>> statements_;
};

/// Binds values in order; optionals that are empty become NULL.
class Binder {
public:
    explicit Binder(SQLite::Statement& statement) : statement_(statement) {}

    Binder& operator<<(std::int64_t value) {
        statement_.bind(++index_, value);
        return *this;
    }
    Binder& operator<<(int value) { return *this << std::int64_t{value}; }
    Binder& operator<<(unsigned value) { return *this << std::int64_t{value}; }
    Binder& operator<<(bool value) { return *this << std::int64_t{value ? 1 : 0}; }
    Binder& operator<<(const std::string& value) {
        statement_.bind(++index_, value);
        return *this;
    }
    Binder& operator<<(std::string_view value) { return *this << std::string(value); }
    Binder& operator<<(const char* value) { return *this << std::string(value); }
    template <typename T>
    Binder& operator<<(const std::optional<T>& value) {
        if (value) {
            return *this << *value;
        }
        statement_.bind(++index_);
        return *this;
    }

    /// Runs it to its end; the number of rows changed.
    int exec() { return statement_.exec(); }

private:
    SQLite::Statement& statement_;
    int index_ = 0;
};

inline Binder bind(Connection& connection, const char* sql) {
    return Binder{connection.statement(sql)};
}

/// The exclusive right to a database, held as long as the object lives: a lock on `path`.lock.
/// Throws Error{failed} naming the process that has it.
posix::Fd lock_database(const std::string& path);

/// Gives the write-ahead log room for `frames` pages, and keeps it when the database is closed: a commit
/// that overwrites is flushed faster than one that makes its file longer. Where there is no room for it
/// the log grows as it is written. To be called before anything is written.
void reserve_log(Connection& connection, int frames) noexcept;

/// Makes or migrates the schema of `path`. An existing database is copied to `path`.vN before its
/// first step; one of a newer program is refused before anything is written.
void migrate(const std::string& path, bool create);

/// The version that this program's schema has.
std::int64_t current_schema();

/// What SQLite reported, in the words of the contract; `what` was being done.
api::Error translate(const SQLite::Exception& error, const std::string& what);

} // namespace mshv::store
