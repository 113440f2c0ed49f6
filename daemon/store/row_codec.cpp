// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/row_codec.hpp"

#include <unordered_map>

namespace mshv::store {
namespace {

// One list of columns for all three queries; the numbers below are positions in it.
#define MSHV_ROW_COLUMNS                                                                           \
    "SELECT p.id, p.uuid, p.name, p.title, p.persistent, p.memory, p.vcpus, p.autostart, "         \
    "p.autostart_order, p.protect_destroy, p.protect_delete, p.state, p.reason, p.state_since, "   \
    "p.was_running, p.autostart_boot, p.exit_at, p.exit_reason, p.exit_code, p.exit_signal, "      \
    "p.exit_detail, p.revision, p.owner, "                                                         \
    "r.incarnation, r.run_dir, r.nonce, r.boot_id, r.keeper_pid, r.keeper_start, r.vmm_pid, "      \
    "r.vmm_start, r.generation, r.acked_seq, r.started, r.generation_started, r.accelerator, "     \
    "r.accelerator_reason, r.vmm_version, r.responsive, r.revision, r.pending, "                   \
    "i.kind, i.actor, i.started, i.started_boot, i.deadline_boot, i.incarnation, i.methods, "      \
    "i.resend, i.escalate, p.saved, "                                                              \
    "EXISTS (SELECT 1 FROM device_change d WHERE d.partition = p.id), r.suspended "                \
    "FROM partition p LEFT JOIN runtime r ON r.partition = p.id "                                  \
    "LEFT JOIN intent i ON i.partition = p.id "
constexpr const char* all_rows = MSHV_ROW_COLUMNS "ORDER BY p.id";
constexpr const char* row_by_id = MSHV_ROW_COLUMNS "WHERE p.id = ?";
constexpr const char* row_by_uuid = MSHV_ROW_COLUMNS "WHERE p.uuid = ?";
#undef MSHV_ROW_COLUMNS

posix::ProcessIdentity identity(SQLite::Statement& s, int index) {
    return {static_cast<pid_t>(column_int(s, index)),
            static_cast<std::uint64_t>(column_int(s, index + 1))};
}

Runtime runtime_at(SQLite::Statement& s, int first) {
    Runtime runtime;
    runtime.incarnation = s.getColumn(first).getString();
    runtime.run_dir = s.getColumn(first + 1).getString();
    runtime.nonce = s.getColumn(first + 2).getString();
    runtime.boot_id = s.getColumn(first + 3).getString();
    runtime.keeper = identity(s, first + 4);
    runtime.vmm = identity(s, first + 6);
    runtime.generation = column_int(s, first + 8);
    runtime.acked_seq = column_int(s, first + 9);
    runtime.started_ms = column_int(s, first + 10);
    runtime.generation_started_ms = column_int(s, first + 11);
    runtime.accelerator = s.getColumn(first + 12).getString();
    runtime.accelerator_reason = s.getColumn(first + 13).getString();
    runtime.vmm_version = s.getColumn(first + 14).getString();
    runtime.responsive = column_int(s, first + 15) != 0;
    runtime.revision = column_int(s, first + 16);
    runtime.pending = column_int(s, first + 17) != 0;
    return runtime;
}

std::vector<api::ShutdownMethod> split_methods(std::string_view text) {
    std::vector<api::ShutdownMethod> methods;
    while (!text.empty()) {
        const auto comma = text.find(',');
        if (const auto method = api::from_name<api::ShutdownMethod>(text.substr(0, comma))) {
            methods.push_back(*method);
        }
        text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
    }
    return methods;
}

Intent intent_at(SQLite::Statement& s, int first) {
    Intent intent;
    intent.kind = column_enum<IntentKind>(s, first);
    intent.actor = s.getColumn(first + 1).getString();
    intent.started_ms = column_int(s, first + 2);
    intent.started_boot = column_int(s, first + 3);
    intent.deadline_boot = column_int(s, first + 4);
    intent.incarnation = s.getColumn(first + 5).getString();
    intent.methods = split_methods(s.getColumn(first + 6).getString());
    intent.resend_s = static_cast<unsigned>(column_int(s, first + 7));
    intent.escalate = column_enum<api::Escalate>(s, first + 8);
    return intent;
}

PartitionRow row_at(SQLite::Statement& s) {
    PartitionRow row;
    row.id = column_int(s, 0);
    row.uuid = column_uuid(s, 1);
    row.name = s.getColumn(2).getString();
    row.title = s.getColumn(3).getString();
    row.persistent = column_int(s, 4) != 0;
    row.memory = column_int(s, 5);
    row.vcpus = column_int(s, 6);
    row.autostart = column_int(s, 7) != 0;
    row.autostart_order = static_cast<unsigned>(column_int(s, 8));
    row.protect_destroy = column_int(s, 9) != 0;
    row.protect_delete = column_int(s, 10) != 0;
    row.state = column_enum<api::State>(s, 11);
    row.reason = column_enum<api::Reason>(s, 12);
    row.state_since_ms = column_int(s, 13);
    row.was_running = column_int(s, 14) != 0;
    row.autostart_boot = s.getColumn(15).getString();
    if (!s.getColumn(16).isNull()) {
        row.last_exit = api::LastExit{column_int(s, 16), column_enum<api::Reason>(s, 17),
                                      column_optional(s, 18), column_optional(s, 19),
                                      s.getColumn(20).getString()};
    }
    row.revision = column_int(s, 21);
    row.owner = s.getColumn(22).getString();
    if (!s.getColumn(23).isNull()) {
        row.runtime = runtime_at(s, 23);
        row.runtime->suspended = column_int(s, 52) != 0;
    }
    if (!s.getColumn(41).isNull()) {
        row.intent = intent_at(s, 41);
    }
    row.saved = s.getColumn(50).getString();
    row.changing = column_int(s, 51) != 0;
    return row;
}

void read_labels(Connection& connection, PartitionRow& row) {
    auto& s = connection.statement("SELECT key, value FROM label WHERE partition = ?");
    s.bind(1, row.id);
    while (s.executeStep()) {
        row.labels.emplace(s.getColumn(0).getString(), s.getColumn(1).getString());
    }
}

std::optional<PartitionRow> only_row(Connection& connection, SQLite::Statement& s) {
    if (!s.executeStep()) {
        return std::nullopt;
    }
    PartitionRow row = row_at(s);
    s.reset(); // a statement left half-way would keep a read transaction open
    read_labels(connection, row);
    return row;
}

} // namespace

std::vector<PartitionRow> read_rows(Connection& connection) {
    std::vector<PartitionRow> rows;
    auto& s = connection.statement(all_rows);
    while (s.executeStep()) {
        rows.push_back(row_at(s));
    }
    s.reset();
    // Both are in the order of the number: one pass through the labels.
    auto& labels =
        connection.statement("SELECT partition, key, value FROM label ORDER BY partition");
    auto row = rows.begin();
    while (labels.executeStep()) {
        const PartitionNumber id = column_int(labels, 0);
        while (row != rows.end() && row->id < id) {
            ++row;
        }
        if (row != rows.end() && row->id == id) {
            row->labels.emplace(labels.getColumn(1).getString(), labels.getColumn(2).getString());
        }
    }
    labels.reset();
    return rows;
}

std::optional<PartitionRow> read_row(Connection& connection, PartitionNumber id) {
    auto& s = connection.statement(row_by_id);
    s.bind(1, id);
    return only_row(connection, s);
}

std::optional<PartitionRow> read_row(Connection& connection, const api::Uuid& uuid) {
    auto& s = connection.statement(row_by_uuid);
    s.bind(1, api::to_string(uuid));
    return only_row(connection, s);
}

api::Event read_event(SQLite::Statement& s) {
    api::Event event;
    event.seq = column_int(s, 0);
    event.at_ms = column_int(s, 1);
    event.kind = s.getColumn(2).getString();
    if (!s.getColumn(3).isNull()) {
        event.uuid = column_uuid(s, 3);
    }
    event.id = column_int(s, 4);
    event.name = s.getColumn(5).getString();
    event.actor = s.getColumn(6).getString();
    if (!s.getColumn(7).isNull()) {
        event.from = column_enum<api::State>(s, 7);
    }
    if (!s.getColumn(8).isNull()) {
        event.to = column_enum<api::State>(s, 8);
    }
    if (!s.getColumn(9).isNull()) {
        event.reason = column_enum<api::Reason>(s, 9);
    }
    event.detail = s.getColumn(10).getString();
    return event;
}

std::string join_methods(const std::vector<api::ShutdownMethod>& methods) {
    std::string text;
    for (const auto method : methods) {
        text += text.empty() ? "" : ",";
        text += api::to_name(method);
    }
    return text;
}

} // namespace mshv::store
