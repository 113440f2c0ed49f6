// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/scheduling.hpp"
#include "daemon/vmm/cpu_list.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

// Pools of processors: rows of the database. No two have a processor in common.

namespace mshv::control {
namespace {

using api::CpuSet;
using api::Error;
using api::ErrorCode;

CpuSet cpus_in(const std::string& text) {
    return api::parse_cpu_set(text).value_or(CpuSet{});
}

std::string text_of(const CpuSet& cpus) {
    return cpus.empty() ? std::string() : api::format_cpu_set(cpus);
}

std::optional<CpuSet> cpus_of_node(const std::string& sys, unsigned node) {
    return vmm::read_cpu_list(sys + "/devices/system/node/node" + std::to_string(node) +
                              "/cpulist");
}

void refuse_name(const std::string& name) {
    const auto fine = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    if (name == api::first_pool) {
        throw Error(ErrorCode::exists, "There is a pool 'Pool-0' always: it has the processors "
                                       "that are in no other");
    }
    if (name.empty() || name.size() > 64 || name[0] == '-' ||
        !std::all_of(name.begin(), name.end(), fine)) {
        throw Error(ErrorCode::invalid,
                    "The name of a pool is of up to 64 letters, digits, '.', '_' and '-'");
    }
}

void refuse_first(const std::string& name) {
    if (name == api::first_pool) {
        throw Error(ErrorCode::invalid,
                    "Pool-0 has the processors that are in no other pool, and is always there",
                    "cpupool-cpu-add and cpupool-cpu-remove of the other pools change it");
    }
}

store::CpuPoolRow pool_of(store::Transaction& t, const std::string& name) {
    for (auto& pool : t.cpu_pools()) {
        if (pool.name == name) {
            return pool;
        }
    }
    throw Error(ErrorCode::not_found, "There is no pool '" + name + "'",
                "mshvctl cpupool-list shows those that are there");
}

/// The processors have to be in no other pool, and one at least stays.
void take_from_first(Core& core, store::Transaction& t, const CpuSet& wanted) {
    const auto all = t.cpu_pools();
    auto rest = core.cpus_of_pool("", all).value_or(CpuSet{});
    for (const unsigned cpu : wanted) {
        if (std::binary_search(rest.begin(), rest.end(), cpu)) {
            continue;
        }
        for (const auto& pool : all) {
            const auto theirs = cpus_in(pool.cpus);
            if (std::binary_search(theirs.begin(), theirs.end(), cpu)) {
                throw Error(ErrorCode::exists, "Processor " + std::to_string(cpu) +
                                                   " is in the pool '" + pool.name + "'");
            }
        }
        throw Error(ErrorCode::invalid, "This host has no processor " + std::to_string(cpu));
    }
    std::erase_if(
        rest, [&](unsigned cpu) { return std::binary_search(wanted.begin(), wanted.end(), cpu); });
    if (rest.empty()) {
        throw Error(ErrorCode::invalid, "Pool-0 must keep a processor: the host's own programs run "
                                        "there");
    }
}

} // namespace

CpuSet named_cpus(const std::string& text, const std::string& sys) {
    const auto cpus =
        api::parse_cpu_set(text, [&](unsigned node) { return cpus_of_node(sys, node); });
    if (!cpus) {
        throw Error(ErrorCode::usage, "'" + text + "' names no processors of this host",
                    "such as 0-3, 0-7,^2, node:0 or all");
    }
    return *cpus;
}

void refuse_used(store::Transaction& t, const std::string& pool, const std::string& what) {
    const auto users = t.pool_users(pool);
    if (users.empty()) {
        return;
    }
    std::string names;
    constexpr std::size_t most_named = 5;
    for (std::size_t i = 0; i < users.size() && i < most_named; ++i) {
        names += (i == 0 ? "'" : ", '") + users[i].name + "'";
    }
    if (users.size() > most_named) {
        names += " and " + std::to_string(users.size() - most_named) + " more";
    }
    throw Error(ErrorCode::wrong_state, what + ": it is the pool of " + names,
                "cpupool-migrate brings what runs to another, sched --config what is defined");
}

api::CpuPoolList Scheduling::pools() {
    const auto rows = core_.store.cpu_pools();
    std::map<std::string, std::vector<std::string>> users;
    for (const auto& one : all().partitions) {
        users[one.pool].push_back(one.name);
    }
    api::CpuPoolList list;
    list.unavailable = core_.groups.why_not();
    list.pools.push_back({api::first_pool, text_of(core_.cpus_of_pool("", rows).value_or(CpuSet{})),
                          users[api::first_pool]});
    for (const auto& row : rows) {
        list.pools.push_back({row.name, row.cpus, users[row.name]});
    }
    return list;
}

void Scheduling::tell_all() {
    MSHV_CRASHPOINT("control.before_pools_told");
    for (const auto& live : core_.lives.all()) {
        settle(live->uuid);
    }
    MSHV_CRASHPOINT("control.after_pools_told");
}

api::CpuPoolList Scheduling::create_pool(const api::CreateCpuPoolRequest& request,
                                         const Actor& actor) {
    refuse_name(request.name);
    const auto cpus = request.cpus.empty() ? CpuSet{} : named_cpus(request.cpus, core_.options.sys);
    core_.store.write([&](store::Transaction& t) {
        take_from_first(core_, t, cpus);
        t.add_cpu_pool({request.name, text_of(cpus)}, actor.name);
    });
    tell_all();
    return pools();
}

api::CpuPoolList Scheduling::destroy_pool(const std::string& name, const Actor& actor) {
    refuse_first(name);
    core_.store.write([&](store::Transaction& t) {
        (void)pool_of(t, name);
        refuse_used(t, name, "The pool '" + name + "' cannot go");
        t.remove_cpu_pool(name, actor.name);
    });
    tell_all();
    return pools();
}

void Scheduling::change_pool(
    const std::string& name, const Actor& actor,
    const std::function<void(store::Transaction&, store::CpuPoolRow&)>& change) {
    refuse_first(name);
    core_.store.write([&](store::Transaction& t) {
        const auto before = pool_of(t, name);
        auto next = before;
        change(t, next);
        if (next != before) {
            t.set_cpu_pool(name, next, actor.name);
        }
    });
    tell_all();
}

api::CpuPoolList Scheduling::rename_pool(const std::string& name, const std::string& next,
                                         const Actor& actor) {
    refuse_name(next);
    change_pool(name, actor, [&](store::Transaction& t, store::CpuPoolRow& pool) {
        refuse_used(t, name, "The pool '" + name + "' cannot be renamed");
        pool.name = next;
    });
    return pools();
}

api::CpuPoolList Scheduling::add_cpus(const std::string& name, const std::string& cpus,
                                      const Actor& actor) {
    auto added = named_cpus(cpus, core_.options.sys);
    change_pool(name, actor, [&](store::Transaction& t, store::CpuPoolRow& pool) {
        const auto has = cpus_in(pool.cpus);
        std::erase_if(
            added, [&](unsigned cpu) { return std::binary_search(has.begin(), has.end(), cpu); });
        take_from_first(core_, t, added);
        CpuSet all;
        std::set_union(has.begin(), has.end(), added.begin(), added.end(), std::back_inserter(all));
        pool.cpus = text_of(all);
    });
    return pools();
}

api::CpuPoolList Scheduling::remove_cpus(const std::string& name, const std::string& cpus,
                                         const Actor& actor) {
    const auto removed = named_cpus(cpus, core_.options.sys);
    change_pool(name, actor, [&](store::Transaction& t, store::CpuPoolRow& pool) {
        auto left = cpus_in(pool.cpus);
        for (const unsigned cpu : removed) {
            if (!std::binary_search(left.begin(), left.end(), cpu)) {
                throw Error(ErrorCode::not_found, "Processor " + std::to_string(cpu) +
                                                      " is not in the pool '" + name + "'");
            }
        }
        std::erase_if(left, [&](unsigned cpu) {
            return std::binary_search(removed.begin(), removed.end(), cpu);
        });
        if (left.empty()) {
            refuse_used(t, name, "The pool '" + name + "' keeps its last processor");
        }
        pool.cpus = text_of(left);
    });
    return pools();
}

api::CpuPoolList Scheduling::split_by_node(const Actor& actor) {
    std::map<unsigned, CpuSet> nodes;
    constexpr unsigned most_nodes = 1024;
    for (unsigned node = 0; node < most_nodes; ++node) {
        const auto cpus = cpus_of_node(core_.options.sys, node);
        if (cpus && !cpus->empty()) {
            nodes.emplace(node, *cpus);
        }
    }
    if (nodes.size() < 2) {
        throw Error(ErrorCode::invalid, "This host has one NUMA node: there is nothing to split");
    }
    core_.store.write([&](store::Transaction& t) {
        if (!t.cpu_pools().empty()) {
            throw Error(ErrorCode::wrong_state, "There are pools already",
                        "cpupool-destroy removes them");
        }
        for (auto node = std::next(nodes.begin()); node != nodes.end(); ++node) {
            t.add_cpu_pool({"Pool-node" + std::to_string(node->first), text_of(node->second)},
                           actor.name);
        }
    });
    tell_all();
    return pools();
}

} // namespace mshv::control
