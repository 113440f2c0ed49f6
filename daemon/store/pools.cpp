// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/row_codec.hpp"
#include "daemon/store/unit.hpp"

// The part of a unit of work that concerns pools of processors.

namespace mshv::store {
namespace {

std::string say(const CpuPoolRow& pool) {
    return pool.name +
           (pool.cpus.empty() ? " without processors" : " with processors " + pool.cpus);
}

} // namespace

std::vector<CpuPoolRow> read_cpu_pools(Connection& connection) {
    auto& s = connection.statement("SELECT name, cpus FROM cpu_pool ORDER BY name");
    std::vector<CpuPoolRow> pools;
    while (s.executeStep()) {
        pools.push_back({s.getColumn(0).getString(), s.getColumn(1).getString()});
    }
    s.reset();
    return pools;
}

std::vector<CpuPoolRow> Unit::cpu_pools() {
    return read_cpu_pools(connection_);
}

std::vector<PartitionRow> Unit::pool_users(const std::string& pool) {
    auto& s = connection_.statement(
        "SELECT p.id FROM partition p "
        "LEFT JOIN revision d ON d.partition = p.id AND d.number = p.revision "
        "LEFT JOIN runtime r ON r.partition = p.id "
        "LEFT JOIN live_spec l ON l.partition = p.id "
        "LEFT JOIN revision b ON b.partition = p.id AND b.number = r.revision "
        "WHERE json_extract(d.spec, '$.cpu.pool') = ?1 OR "
        "(r.partition IS NOT NULL AND "
        "json_extract(coalesce(l.spec, b.spec), '$.cpu.pool') = ?1) ORDER BY p.id");
    s.bind(1, pool);
    std::vector<PartitionNumber> ids;
    while (s.executeStep()) {
        ids.push_back(column_int(s, 0));
    }
    s.reset();
    std::vector<PartitionRow> users;
    for (const auto id : ids) {
        users.push_back(must_find(id));
    }
    return users;
}

void Unit::add_cpu_pool(const CpuPoolRow& pool, const std::string& actor) {
    for (const auto& other : cpu_pools()) {
        if (other.name == pool.name) {
            throw api::Error(api::ErrorCode::exists, "There is a pool '" + pool.name + "' already");
        }
    }
    auto& s = connection_.statement("INSERT INTO cpu_pool (name, cpus) VALUES (?, ?)");
    Binder{s} << pool.name << pool.cpus;
    s.exec();
    s.reset();
    event("pool.created", 0, actor, say(pool));
}

void Unit::set_cpu_pool(const std::string& name, const CpuPoolRow& pool, const std::string& actor) {
    for (const auto& other : cpu_pools()) {
        if (other.name == pool.name && other.name != name) {
            throw api::Error(api::ErrorCode::exists, "There is a pool '" + pool.name + "' already");
        }
    }
    auto& s = connection_.statement("UPDATE cpu_pool SET name = ?, cpus = ? WHERE name = ?");
    Binder{s} << pool.name << pool.cpus << name;
    s.exec();
    s.reset();
    if (name != pool.name) {
        event("pool.renamed", 0, actor, name + " to " + pool.name);
    } else {
        event("pool.changed", 0, actor, say(pool));
    }
}

void Unit::remove_cpu_pool(const std::string& name, const std::string& actor) {
    auto& s = connection_.statement("DELETE FROM cpu_pool WHERE name = ?");
    Binder{s} << name;
    s.exec();
    s.reset();
    event("pool.destroyed", 0, actor, name);
}

} // namespace mshv::store
