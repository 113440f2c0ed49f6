// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/row_codec.hpp"
#include "daemon/store/unit.hpp"

// The part of a unit of work that keeps a definition's revisions.

namespace mshv::store {

using api::Error;
using api::ErrorCode;

std::int64_t Unit::add_revision(PartitionNumber id, const Text& text, const std::string& actor) {
    auto& newest =
        connection_.statement("SELECT coalesce(max(number), 0) FROM revision WHERE partition = ?");
    newest.bind(1, id);
    const std::int64_t number = (newest.executeStep() ? column_int(newest, 0) : 0) + 1;
    newest.reset();
    (bind(connection_, "INSERT INTO revision (partition, number, at, actor, cause, detail, spec, "
                       "xml) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
     << id << number << now_ms() << actor << api::to_name(text.cause) << text.detail << text.spec
     << text.xml)
        .exec();
    (bind(connection_, "UPDATE partition SET revision = ? WHERE id = ?") << number << id).exec();
    // What runs can still be compared with what is stored.
    (bind(connection_, "DELETE FROM revision WHERE partition = ? AND number <= ? AND number NOT IN "
                       "(SELECT revision FROM runtime WHERE partition = ?)")
     << id << number - options_.keep_revisions << id)
        .exec();
    touch(id);
    return number;
}

void Unit::add_respecified(PartitionNumber id, const std::string& spec, api::Cause cause,
                           const std::string& detail, const std::string& actor) {
    auto& s = connection_.statement("SELECT r.xml FROM partition p JOIN revision r ON r.partition "
                                    "= p.id AND r.number = p.revision WHERE p.id = ?");
    s.bind(1, id);
    const std::string xml = s.executeStep() ? s.getColumn(0).getString() : "";
    s.reset();
    add_revision(id, {spec, xml, cause, detail}, actor);
}

void Unit::refuse_other_revision(const PartitionRow& row, std::int64_t expected) {
    if (row.revision == expected) {
        return;
    }
    auto& s =
        connection_.statement("SELECT actor FROM revision WHERE partition = ? AND number = ?");
    Binder{s} << row.id << row.revision;
    const std::string actor = s.executeStep() ? s.getColumn(0).getString() : "somebody";
    s.reset();
    throw Error(ErrorCode::wrong_state,
                "The definition of '" + row.name + "' is at revision " +
                    std::to_string(row.revision) + ", not " + std::to_string(expected) +
                    ": it was changed meanwhile by " + actor,
                "look at what it is now and change that");
}

} // namespace mshv::store
