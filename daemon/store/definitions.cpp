// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/row_codec.hpp"
#include "daemon/store/unit.hpp"

#include <algorithm>

// The part of a unit of work that concerns definitions and events.

namespace mshv::store {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::size_t longest_detail = 4096;

} // namespace

void Unit::forget(const Mark& mark) {
    touched_.resize(mark.touched);
    removed_.resize(mark.removed);
    events_.resize(mark.events);
}

Committed Unit::take() {
    Committed committed;
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
    for (const PartitionNumber id : touched_) {
        if (auto row = read_row(connection_, id)) {
            committed.changed.push_back(std::move(*row));
        }
    }
    committed.removed = std::move(removed_);
    committed.events = std::move(events_);
    return committed;
}

std::int64_t Unit::last_seq() {
    auto& s = connection_.statement("SELECT seq FROM sqlite_sequence WHERE name = 'event'");
    const std::int64_t seq = s.executeStep() ? column_int(s, 0) : 0;
    s.reset();
    return seq;
}

std::optional<PartitionRow> Unit::find(PartitionNumber id) {
    return read_row(connection_, id);
}
std::optional<PartitionRow> Unit::find(const api::Uuid& uuid) {
    return read_row(connection_, uuid);
}

PartitionRow Unit::must_find(PartitionNumber id) {
    if (auto row = find(id)) {
        return std::move(*row);
    }
    throw Error(ErrorCode::not_found, "The partition is gone");
}

void Unit::check_free(const Definition& definition, PartitionNumber self) {
    auto& names =
        connection_.statement("SELECT id, uuid FROM partition WHERE name = ? AND id <> ?");
    Binder{names} << definition.name << self;
    if (names.executeStep()) {
        const std::string holder =
            std::to_string(column_int(names, 0)) + ", uuid " + names.getColumn(1).getString();
        names.reset();
        throw Error(ErrorCode::exists, "A partition named '" + definition.name +
                                           "' exists already (id " + holder + ")");
    }
    auto& uuids =
        connection_.statement("SELECT id, name FROM partition WHERE uuid = ? AND id <> ?");
    Binder{uuids} << api::to_string(definition.uuid) << self;
    if (uuids.executeStep()) {
        const std::string holder = uuids.getColumn(1).getString();
        uuids.reset();
        throw Error(ErrorCode::exists, "The UUID " + api::to_string(definition.uuid) +
                                           " belongs to the partition '" + holder + "'");
    }
    for (const std::string& mac : definition.macs) {
        check_free_mac(mac, self);
    }
}

void Unit::check_free_mac(const std::string& mac, PartitionNumber self) {
    for (const char* sql : {"SELECT p.name FROM mac m JOIN partition p ON p.id = m.partition "
                            "WHERE m.mac = ? AND p.id <> ?",
                            "SELECT p.name FROM mac_lease m JOIN partition p ON p.id = m.partition "
                            "WHERE m.mac = ? AND p.id <> ?"}) {
        auto& macs = connection_.statement(sql);
        Binder{macs} << mac << self;
        if (!macs.executeStep()) {
            macs.reset();
            continue;
        }
        const std::string holder = macs.getColumn(0).getString();
        macs.reset();
        api::Problem problem;
        problem.code = "E-MAC";
        problem.where = "/spec/devices/nics";
        problem.message = mac + " belongs to the partition '" + holder + "'";
        throw Error(ErrorCode::exists,
                    "The MAC address " + mac + " belongs to the partition '" + holder + "'",
                    "leave the address out to have one made")
            .with_problems({problem});
    }
}

void Unit::write_parts(PartitionNumber id, const Definition& definition) {
    for (const auto& [key, value] : definition.labels) {
        (bind(connection_, "INSERT INTO label (partition, key, value) VALUES (?, ?, ?)")
         << id << key << value)
            .exec();
    }
    for (const std::string& mac : definition.macs) {
        (bind(connection_, "INSERT INTO mac (mac, partition) VALUES (?, ?)") << mac << id).exec();
    }
}

PartitionRow Unit::insert(const Definition& d, bool persistent, const std::string& actor) {
    check_free(d, 0);
    (bind(connection_,
          "INSERT INTO partition (uuid, name, title, persistent, memory, vcpus, autostart, "
          "autostart_order, protect_destroy, protect_delete, state, reason, state_since, owner) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'shutoff', 'defined', ?, ?)")
     << api::to_string(d.uuid) << d.name << d.title << persistent << d.memory << d.vcpus
     << d.autostart << d.autostart_order << d.protect_destroy << d.protect_delete << now_ms()
     << d.owner)
        .exec();
    const PartitionNumber id = connection_.database().getLastInsertRowid();
    write_parts(id, d);
    add_revision(id, {d.spec, d.xml, d.cause, d.detail}, actor);
    PartitionRow row = must_find(id);
    append_event(&row,
                 {persistent ? "partition.defined" : "partition.created", actor, {}, {}, {}, {}});
    return row;
}

PartitionRow Unit::redefine(const Definition& d, const Over& over, const std::string& actor) {
    const auto old = find(d.uuid);
    if (!old) {
        throw Error(ErrorCode::not_found, "No partition has the UUID " + api::to_string(d.uuid));
    }
    if (over.revision) {
        refuse_other_revision(*old, *over.revision);
    }
    check_free(d, old->id);
    // To edit what a transient partition runs with is not to define it.
    const bool persistent =
        old->persistent || (d.cause != api::Cause::edited && d.cause != api::Cause::rolled_back);
    (bind(connection_,
          "UPDATE partition SET name = ?, title = ?, persistent = ?, memory = ?, vcpus = ?, "
          "autostart = ?, autostart_order = ?, protect_destroy = ?, protect_delete = ? "
          "WHERE id = ?")
     << d.name << d.title << persistent << d.memory << d.vcpus << d.autostart << d.autostart_order
     << d.protect_destroy << d.protect_delete << old->id)
        .exec();
    (bind(connection_, "UPDATE runtime SET pending = ? WHERE partition = ?")
     << over.pending << old->id)
        .exec();
    (bind(connection_, "DELETE FROM label WHERE partition = ?") << old->id).exec();
    (bind(connection_, "DELETE FROM mac WHERE partition = ?") << old->id).exec();
    write_parts(old->id, d);
    const std::int64_t number = add_revision(old->id, {d.spec, d.xml, d.cause, d.detail}, actor);
    PartitionRow row = must_find(old->id);
    append_event(&row, {"partition.redefined",
                        actor,
                        std::string(api::to_name(d.cause)) + ": revision " + std::to_string(number),
                        {},
                        {},
                        {}});
    return row;
}

void Unit::remove(PartitionNumber id, const std::string& kind, const std::string& actor,
                  const std::string& detail) {
    const PartitionRow row = must_find(id);
    if (row.runtime) {
        throw Error(ErrorCode::wrong_state, "Partition '" + row.name + "' runs");
    }
    (bind(connection_, "DELETE FROM partition WHERE id = ?") << id).exec();
    removed_.push_back(id);
    append_event(&row, {kind, actor, detail, {}, {}, {}});
}

PartitionRow Unit::rename(PartitionNumber id, const std::string& name, const std::string& spec,
                          const std::string& actor) {
    const PartitionRow old = must_find(id);
    Definition wanted;
    wanted.uuid = old.uuid;
    wanted.name = name;
    check_free(wanted, id);
    (bind(connection_, "UPDATE partition SET name = ? WHERE id = ?") << name << id).exec();
    add_respecified(id, spec, api::Cause::renamed, "was '" + old.name + "'", actor);
    PartitionRow row = must_find(id);
    append_event(&row, {"partition.renamed", actor, "was '" + old.name + "'", {}, {}, {}});
    return row;
}

PartitionRow Unit::set_autostart(PartitionNumber id, bool enabled, unsigned order,
                                 const std::string& spec, const std::string& actor) {
    (bind(connection_, "UPDATE partition SET autostart = ?, autostart_order = ? WHERE id = ?")
     << enabled << order << id)
        .exec();
    add_respecified(id, spec, api::Cause::autostart, enabled ? "on" : "off", actor);
    PartitionRow row = must_find(id);
    append_event(&row, {"partition.autostart", actor, enabled ? "on" : "off", {}, {}, {}});
    return row;
}

PartitionRow Unit::make_transient(PartitionNumber id, const std::string& actor) {
    (bind(connection_, "UPDATE partition SET persistent = 0, autostart = 0 WHERE id = ?") << id)
        .exec();
    touch(id);
    PartitionRow row = must_find(id);
    append_event(&row, {"partition.undefined", actor, "runs on until it ends", {}, {}, {}});
    return row;
}

void Unit::set_autostart_done(PartitionNumber id, const std::string& boot_id) {
    (bind(connection_, "UPDATE partition SET autostart_boot = ? WHERE id = ?") << boot_id << id)
        .exec();
    touch(id);
}

void Unit::event(std::string_view kind, PartitionNumber id, const std::string& actor,
                 const std::string& detail) {
    const auto row = id == 0 ? std::nullopt : find(id);
    append_event(row ? &*row : nullptr, {kind, actor, detail, {}, {}, {}});
}

void Unit::append_event(const PartitionRow* row, const Told& told) {
    api::Event event;
    event.at_ms = now_ms();
    event.kind = told.kind;
    if (row != nullptr) {
        event.uuid = row->uuid;
        event.id = row->id;
        event.name = row->name;
    }
    event.actor = told.actor;
    event.from = told.from;
    event.to = told.to;
    event.reason = told.reason;
    event.detail = told.detail.substr(0, longest_detail);
    const auto name_of = [](const auto& value) -> std::optional<std::string> {
        return value ? std::optional(std::string(api::to_name(*value))) : std::nullopt;
    };
    (bind(connection_, "INSERT INTO event (at, kind, uuid, partition, name, actor, from_state, "
                       "to_state, reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
     << event.at_ms << event.kind
     << (event.uuid ? std::optional(api::to_string(*event.uuid)) : std::nullopt) << event.id
     << event.name << event.actor << name_of(event.from) << name_of(event.to)
     << name_of(event.reason) << event.detail)
        .exec();
    event.seq = connection_.database().getLastInsertRowid();
    // In portions, so that no single commit pays for many.
    if (event.seq % 256 == 0) {
        (bind(connection_, "DELETE FROM event WHERE seq <= ?") << event.seq - options_.keep_events)
            .exec();
    }
    events_.push_back(std::move(event));
}

std::optional<std::string> Unit::meta(const std::string& key) {
    auto& s = connection_.statement("SELECT value FROM meta WHERE key = ?");
    s.bind(1, key);
    std::optional<std::string> value;
    if (s.executeStep()) {
        value = s.getColumn(0).getString();
    }
    s.reset();
    return value;
}

void Unit::set_meta(const std::string& key, const std::string& value) {
    (bind(connection_, "INSERT INTO meta (key, value) VALUES (?, ?) "
                       "ON CONFLICT (key) DO UPDATE SET value = excluded.value")
     << key << value)
        .exec();
}

} // namespace mshv::store
