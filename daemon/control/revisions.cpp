// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/preparation.hpp"
#include "daemon/control/service_impl.hpp"
#include "daemon/domain/changes.hpp"

#include <algorithm>

// Definitions over time, and what a new one would change.

namespace mshv::control {

using api::Error;
using api::ErrorCode;

api::StoredDefinition ServiceImpl::definition(const api::Selector& selector,
                                              std::optional<std::int64_t> revision) {
    return core_.definition(core_.resolve(selector)->row, revision);
}

api::RevisionList ServiceImpl::revisions(const api::Selector& selector, std::size_t limit) {
    const auto entry = core_.resolve(selector);
    api::RevisionList list;
    list.revisions = core_.store.revisions(entry->row.id, limit);
    list.current = entry->row.revision;
    if (entry->row.runtime && entry->row.runtime->revision > 0) {
        list.running = entry->row.runtime->revision;
    }
    return list;
}

api::ChangeList ServiceImpl::changes(const api::Selector& selector,
                                     std::optional<std::int64_t> from,
                                     std::optional<std::int64_t> to) {
    const auto entry = core_.resolve(selector);
    const auto& row = entry->row;
    const std::int64_t before = std::max<std::int64_t>(row.revision - 1, 1);
    const std::int64_t running = row.runtime ? row.runtime->revision : before;
    if (running == 0 && !from) {
        throw Error(ErrorCode::unsupported,
                    "Nobody knows with which definition '" + row.name +
                        "' was started: that was before revisions were kept",
                    "name two revisions");
    }
    api::ChangeList list;
    list.from = from.value_or(running);
    list.to = to.value_or(row.revision);
    // What runs may have got devices since, which are not pending any more.
    const auto start =
        !from && row.runtime ? core_.running_spec(row) : core_.definition(row, list.from).spec;
    list.changes = domain::changes(start, core_.definition(row, list.to).spec);
    return list;
}

api::Plan ServiceImpl::plan(const api::PlanRequest& request) {
    api::PartitionSpec spec = request.spec;
    const auto named = core_.directory.find(spec.name);
    auto old = spec.uuid ? core_.directory.find(*spec.uuid) : named;
    if (old && named && old != named) {
        throw Error(ErrorCode::exists, "The name '" + spec.name + "' belongs to the partition " +
                                           std::to_string(named->row.id) + ", the UUID to '" +
                                           old->row.name + "'");
    }
    old = old ? old : named;
    api::Plan plan;
    plan.name = spec.name;
    bool generated_macs = false;
    if (!old) {
        prepared(core_, std::move(spec), generated_macs);
        plan.action = api::PlanAction::create;
        return plan;
    }
    const api::StoredDefinition before = core_.definition(old->row);
    domain::inherit(spec, before.spec);
    spec = prepared(core_, std::move(spec), generated_macs);
    plan.partition = core_.view(*old);
    plan.changes = domain::changes(before.spec, spec);
    const bool same = plan.changes.empty() && old->row.persistent &&
                      (request.xml.empty() || request.xml == before.xml);
    plan.action = spec.uuid != before.spec.uuid ? api::PlanAction::recreate
                  : same                        ? api::PlanAction::none
                                                : api::PlanAction::update;
    return plan;
}

api::PartitionView ServiceImpl::replace(const api::Selector& selector,
                                        const api::ReplaceRequest& request, const Actor& actor,
                                        Deadline wait_busy) {
    const auto entry = core_.resolve(selector);
    if (request.spec.uuid && *request.spec.uuid != entry->row.uuid) {
        throw Error(ErrorCode::invalid,
                    "The definition has another UUID than '" + entry->row.name + "'",
                    "a UUID is for ever: remove the partition and define another");
    }
    return operations_.rewrite(
        entry, {request.spec, request.xml, replacing_cause(request.cause), {}, request.revision},
        actor.name, wait_busy);
}

api::PartitionView ServiceImpl::rollback(const api::Selector& selector,
                                         const api::RollbackRequest& request, const Actor& actor,
                                         Deadline wait_busy) {
    const auto entry = core_.resolve(selector);
    const auto earlier = core_.definition(entry->row, request.to);
    return operations_.rewrite(entry,
                               {earlier.spec, earlier.xml, api::Cause::rolled_back,
                                "to revision " + std::to_string(request.to), request.revision},
                               actor.name, wait_busy);
}

namespace {

/// Stands for the name of a run that is not one.
constexpr const char* no_incarnation = "000000000000";

api::VmmArguments arguments_of(const domain::LaunchPlan& plan) {
    return {plan.program, plan.argv, std::string(api::to_name(plan.accelerator)),
            plan.accelerator_reason, plan.vmm_version};
}

} // namespace

api::VmmArguments ServiceImpl::vmm_arguments(const api::Selector& selector) {
    const auto entry = core_.resolve(selector);
    return arguments_of(
        core_.vmm.plan({core_.definition(entry->row).spec, entry->row.id, no_incarnation, false}));
}

api::VmmArguments ServiceImpl::vmm_arguments(const api::PartitionSpec& given) {
    api::PartitionSpec spec = given;
    const auto old = spec.uuid ? core_.directory.find(*spec.uuid) : core_.directory.find(spec.name);
    if (old) {
        domain::inherit(spec, core_.definition(old->row).spec);
    }
    bool generated_macs = false;
    spec = prepared(core_, std::move(spec), generated_macs);
    return arguments_of(
        core_.vmm.plan({std::move(spec), old ? old->row.id : 0, no_incarnation, false}));
}

} // namespace mshv::control
