// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/operations.hpp"
#include "daemon/control/preparation.hpp"
#include "daemon/domain/changes.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

// Definitions; operations.cpp has what runs.

namespace mshv::control {

using api::Error;
using api::ErrorCode;

Directory::EntryPtr Operations::replaced_by(const api::CreateRequest& request) const {
    if (!request.replace || request.mode == api::CreateMode::transient) {
        return nullptr;
    }
    return request.spec.uuid ? core_.directory.find(*request.spec.uuid)
                             : core_.directory.find(request.spec.name);
}

api::PartitionView Operations::define(const api::CreateRequest& request, const std::string& actor,
                                      Deadline wait_busy) {
    if (request.recreates) {
        return recreate(request, actor, wait_busy);
    }
    if (const auto old = replaced_by(request)) {
        return rewrite(old, {request.spec, request.xml, replacing_cause(request.cause)}, actor,
                       wait_busy);
    }
    for (int attempt = 1;; ++attempt) {
        bool generated_macs = false;
        const auto definition = new_definition(prepared(core_, request.spec, generated_macs),
                                               request, api::Cause::defined);
        try {
            MSHV_CRASHPOINT("control.before_define");
            core_.store.write([&](store::Transaction& t) { t.insert(definition, true, actor); });
            MSHV_CRASHPOINT("control.after_define");
            return core_.view(definition.uuid);
        } catch (const Error& error) {
            if (!is_mac_conflict(error) || !generated_macs || attempt == mac_attempts) {
                throw;
            }
        }
    }
}

api::PartitionView Operations::recreate(const api::CreateRequest& request, const std::string& actor,
                                        Deadline wait_busy) {
    const auto old = core_.directory.find(request.spec.name);
    const auto guard =
        old ? std::optional(core_.lock(old->row, "define", actor, wait_busy)) : std::nullopt;
    const auto now = old ? core_.directory.find(old->row.uuid) : nullptr;
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + request.spec.name + "' is gone");
    }
    require(domain::Verb::undefine, now->row);
    refuse_removal(now->row, request.recreates);
    if (now->row.runtime || now->row.intent) {
        throw Error(ErrorCode::wrong_state, "Partition '" + now->row.name + "' is not off",
                    "shut it down first");
    }
    api::PartitionSpec spec = request.spec;
    domain::inherit(spec, core_.definition(now->row).spec);
    bool generated_macs = false;
    const auto definition = new_definition(prepared(core_, std::move(spec), generated_macs),
                                           request, api::Cause::defined);
    MSHV_CRASHPOINT("control.before_recreate");
    core_.store.write([&](store::Transaction& t) {
        t.remove(now->row.id, "partition.undefined", actor, "another takes its name");
        t.insert(definition, true, actor);
    });
    MSHV_CRASHPOINT("control.after_recreate");
    if (core_.hooks.removed) {
        core_.hooks.removed(now->row.uuid);
    }
    return core_.view(definition.uuid);
}

Operations::Replacement Operations::replacement(const store::PartitionRow& row,
                                                const api::PartitionSpec& before,
                                                const Rewrite& rewrite,
                                                const api::PartitionSpec* running) {
    api::PartitionSpec spec = rewrite.spec;
    if (rewrite.cause == api::Cause::rolled_back) {
        spec.name = row.name; // the old name may be another's now
    }
    spec.uuid = row.uuid;
    domain::inherit(spec, before);
    bool generated_macs = false;
    Replacement next{prepared(core_, std::move(spec), generated_macs), {}, {}};
    next.definition = make_definition(next.spec, rewrite.xml);
    next.definition.cause = rewrite.cause;
    next.definition.detail = rewrite.detail;
    next.over.revision = rewrite.revision;
    if (row.runtime && (running != nullptr || row.runtime->revision > 0)) {
        next.over.pending = domain::needs_start(
            domain::changes(running != nullptr ? *running : core_.running_spec(row), next.spec));
    } else if (row.runtime) {
        next.over.pending =
            row.runtime->pending || domain::needs_start(domain::changes(before, next.spec));
    }
    return next;
}

api::PartitionView Operations::rewrite(const Directory::EntryPtr& old, const Rewrite& rewrite,
                                       const std::string& actor, Deadline wait_busy) {
    const auto guard = core_.lock(old->row, "define", actor, wait_busy);
    const auto now = core_.directory.find(old->row.uuid);
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + old->row.name + "' is gone");
    }
    const api::StoredDefinition before = core_.definition(now->row);
    const Replacement next = replacement(now->row, before.spec, rewrite);
    const bool defines =
        rewrite.cause != api::Cause::edited && rewrite.cause != api::Cause::rolled_back;
    // Who has seen another revision is told so, even when both came to the same.
    const bool current = rewrite.revision.value_or(now->row.revision) == now->row.revision;
    if (current && (now->row.persistent || !defines) && next.spec == before.spec &&
        rewrite.xml == before.xml) {
        return core_.view(*now);
    }
    MSHV_CRASHPOINT("control.before_redefine");
    core_.store.write(
        [&](store::Transaction& t) { t.redefine(next.definition, next.over, actor); });
    MSHV_CRASHPOINT("control.after_redefine");
    if (const auto policy = domain::end_policy(next.spec);
        policy != domain::end_policy(before.spec)) {
        tell_end_policy(now->row, policy);
    }
    return core_.view(now->row.uuid);
}

void Operations::tell_end_policy(const store::PartitionRow& row, const domain::EndPolicy& policy) {
    const LivePtr live = core_.lives.find(row.uuid);
    const auto process = live ? live->get_process() : nullptr;
    if (!process) {
        return;
    }
    try {
        MSHV_CRASHPOINT("control.before_policy");
        process->set_policy(policy, core_.vmm_deadline());
        MSHV_CRASHPOINT("control.after_policy");
    } catch (const Error& error) {
        if (error.code() == ErrorCode::wrong_state) {
            return; // it has ended, and will start with the new one
        }
        throw Error(ErrorCode::failed,
                    "The definition of '" + row.name +
                        "' is stored, but its keeper did not take what happens when the guest ends",
                    "it is told again when mshvd starts")
            .because(error.message());
    }
}

} // namespace mshv::control
