// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/connection.hpp"
#include "daemon/store/rows.hpp"

#include <vector>

namespace mshv::store {

/// The rows of all partitions, or of one, by number or UUID.
std::vector<PartitionRow> read_rows(Connection& connection);
std::optional<PartitionRow> read_row(Connection& connection, PartitionNumber id);
std::optional<PartitionRow> read_row(Connection& connection, const api::Uuid& uuid);

/// Columns of event in the order of the table.
api::Event read_event(SQLite::Statement& statement);
/// Newest first.
std::vector<JobRow> read_jobs(Connection& connection);

/// The enumerator in a text column; Error{failed} for a word that this program does not know.
template <typename E>
E column_enum(SQLite::Statement& statement, int index) {
    const std::string text = statement.getColumn(index).getString();
    if (const auto value = api::from_name<E>(text)) {
        return *value;
    }
    throw api::Error(api::ErrorCode::failed, "The database holds the unknown word '" + text + "'",
                     "run mshvd --fsck");
}

inline std::int64_t column_int(SQLite::Statement& statement, int index) {
    return statement.getColumn(index).getInt64();
}

inline std::optional<int> column_optional(SQLite::Statement& statement, int index) {
    const auto column = statement.getColumn(index);
    return column.isNull() ? std::nullopt : std::optional(column.getInt());
}

inline api::Uuid column_uuid(SQLite::Statement& statement, int index) {
    const std::string text = statement.getColumn(index).getString();
    if (const auto uuid = api::parse_uuid(text)) {
        return *uuid;
    }
    throw api::Error(api::ErrorCode::failed, "The database holds the broken UUID '" + text + "'",
                     "run mshvd --fsck");
}

/// "agent,acpi" and back.
std::string join_methods(const std::vector<api::ShutdownMethod>& methods);

} // namespace mshv::store
