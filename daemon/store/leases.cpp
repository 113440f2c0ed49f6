// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/row_codec.hpp"
#include "daemon/store/unit.hpp"

// The part of a unit of work that concerns the devices of what runs, and who uses which disk.

namespace mshv::store {
namespace {

using api::Error;
using api::ErrorCode;

struct Holder {
    std::string name;
    std::string path;
    bool own = false;
    bool writes = false;
};

/// Who stands in the way of `claim` at `extent`; the first that is found.
std::optional<Holder> holder_of(Connection& connection, PartitionNumber id,
                                const domain::DiskClaim& claim, const domain::Extent& extent,
                                bool made_of) {
    auto& s = connection.statement(
        "SELECT p.name, l.path, l.partition, l.writes FROM disk_lease l JOIN partition p ON p.id = "
        "l.partition WHERE l.base = ? AND l.first < ? AND l.past > ? AND (? = 0 OR l.made_of = 0) "
        "AND (l.writes OR ?) AND NOT (l.shares AND ?) LIMIT 1");
    int index = 0;
    s.bind(++index, extent.base);
    s.bind(++index, extent.past);
    s.bind(++index, extent.first);
    s.bind(++index, made_of ? 1 : 0);
    s.bind(++index, claim.writes ? 1 : 0);
    s.bind(++index, claim.shares ? 1 : 0);
    std::optional<Holder> holder;
    if (s.executeStep()) {
        holder = Holder{s.getColumn(0).getString(), s.getColumn(1).getString(),
                        column_int(s, 2) == id, column_int(s, 3) != 0};
    }
    s.reset();
    return holder;
}

[[noreturn]] void refuse(const domain::DiskClaim& claim, const Holder& holder) {
    const std::string as = holder.path == claim.path ? "" : " as " + holder.path;
    if (holder.own) {
        throw Error(ErrorCode::invalid,
                    "The disk " + claim.path + " is the same as another of the partition" +
                        (as.empty() ? "" : ", " + holder.path),
                    "give each its own image");
    }
    throw Error(ErrorCode::exists,
                "The disk " + claim.path + " is being " + (holder.writes ? "written" : "read") +
                    " by the partition '" + holder.name + "'" + as,
                claim.writes && holder.writes
                    ? "give each writer its own image, or mark the disk shareable in both"
                    : "what one partition reads nobody else may write: give each its own image");
}

} // namespace

void Unit::claim_disks(PartitionNumber id, const std::vector<domain::DiskClaim>& claims) {
    for (const auto& claim : claims) {
        const auto check = [&](const domain::Extent& extent, bool made_of) {
            if (const auto holder = holder_of(connection_, id, claim, extent, made_of)) {
                refuse(claim, *holder);
            }
        };
        const auto put = [&](const domain::Extent& extent, bool made_of) {
            (bind(connection_,
                  "INSERT INTO disk_lease (partition, device, path, base, first, past, made_of, "
                  "writes, shares) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
             << id << claim.device << claim.path << extent.base << extent.first << extent.past
             << made_of << claim.writes << claim.shares)
                .exec();
        };
        check(claim.self, false);
        for (const auto& extent : claim.made_of) {
            check(extent, true);
        }
        put(claim.self, false);
        for (const auto& extent : claim.made_of) {
            put(extent, true);
        }
    }
}

void Unit::release_disk(PartitionNumber id, const std::string& device) {
    (bind(connection_, "DELETE FROM disk_lease WHERE partition = ? AND device = ?") << id << device)
        .exec();
}

void Unit::rename_disk(PartitionNumber id, const std::string& device, const std::string& next) {
    release_disk(id, next);
    (bind(connection_, "UPDATE disk_lease SET device = ? WHERE partition = ? AND device = ?")
     << next << id << device)
        .exec();
}

void Unit::claim_mac(PartitionNumber id, const std::string& mac) {
    check_free_mac(mac, id);
    (bind(connection_, "INSERT OR REPLACE INTO mac_lease (mac, partition) VALUES (?, ?)")
     << mac << id)
        .exec();
}

void Unit::release_mac(PartitionNumber id, const std::string& mac) {
    (bind(connection_, "DELETE FROM mac_lease WHERE partition = ? AND mac = ?") << id << mac)
        .exec();
}

void Unit::set_live_spec(PartitionNumber id, const LiveSpec& live) {
    (bind(connection_,
          "INSERT INTO live_spec (partition, spec, started) VALUES (?, ?, nullif(?, '')) "
          "ON CONFLICT (partition) DO UPDATE SET spec = excluded.spec, "
          "started = coalesce(excluded.started, started)")
     << id << live.spec << live.started)
        .exec();
    touch(id);
}

void Unit::put_device_change(PartitionNumber id, const DeviceChange& change) {
    (bind(connection_, "INSERT OR REPLACE INTO device_change (partition, device, kind, class, "
                       "what, config, actor, started, size, before) VALUES (?, ?, ?, ?, ?, ?, ?, "
                       "?, ?, ?)")
     << id << change.device << api::to_name(change.kind) << api::to_name(change.device_class)
     << change.what << change.config << change.actor << change.started_ms << change.size
     << change.before)
        .exec();
    touch(id);
}

void Unit::drop_device_change(PartitionNumber id, const std::string& device) {
    (bind(connection_, "DELETE FROM device_change WHERE partition = ? AND device = ?")
     << id << device)
        .exec();
    touch(id);
}

} // namespace mshv::store
