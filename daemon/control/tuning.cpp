// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/tuning.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <utility>

namespace mshv::control {

using api::Error;
using api::ErrorCode;

Tuning::Scope Tuning::scope_of(const store::PartitionRow& row, bool live, bool config) {
    const bool runs =
        row.runtime && (row.state == api::State::running || row.state == api::State::paused);
    if (live && !runs) {
        require(domain::Verb::device, row);
    }
    if (live || config) {
        return {live, config};
    }
    if (!runs && row.state != api::State::shutoff && row.state != api::State::crashed) {
        require(domain::Verb::device, row);
    }
    return {runs, !runs};
}

std::shared_ptr<vmm::VmmProcess> Tuning::process_of(const store::PartitionRow& row) {
    const LivePtr live = core_.lives.find(row.uuid);
    auto process = live ? live->get_process() : nullptr;
    if (!process) {
        throw Error(ErrorCode::wrong_state, "The VMM of '" + row.name + "' does not answer yet",
                    "try again in a moment");
    }
    return process;
}

Operations::Replacement Tuning::replacement(const store::PartitionRow& row,
                                            const api::PartitionSpec& next,
                                            const api::PartitionSpec* running,
                                            const std::string& detail) {
    return operations_.replacement(row, core_.definition(row).spec,
                                   {next, {}, api::Cause::edited, detail}, running);
}

void Tuning::record(const store::PartitionRow& row, const Recorded& what,
                    const std::string& actor) {
    MSHV_CRASHPOINT("control.before_setting");
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (what.running != nullptr) {
            if (!now || !now->runtime || now->runtime->incarnation != row.runtime->incarnation) {
                throw Error(ErrorCode::wrong_state, "Partition '" + row.name + "' ended meanwhile");
            }
            t.set_live_spec(row.id, {api::encode(*what.running)});
            t.event(what.kind, row.id, actor, what.detail);
        }
        if (what.definition != nullptr) {
            t.redefine(what.definition->definition, what.definition->over, actor);
        }
    });
    MSHV_CRASHPOINT("control.after_setting");
}

void Tuning::settle(const api::Uuid& uuid) noexcept {
    try {
        const auto entry = core_.directory.find(uuid);
        if (!entry || !entry->row.runtime) {
            return;
        }
        const auto process = process_of(entry->row);
        if (core_.store.live_spec(entry->row.id)) {
            const auto guard =
                core_.lock(entry->row, "settle settings", "mshvd", core_.vmm_deadline());
            const auto now = core_.directory.find(uuid);
            if (now && now->row.runtime &&
                now->row.runtime->incarnation == entry->row.runtime->incarnation) {
                settle_memory(now->row, *process);
                settle_pins(now->row, *process);
            }
        }
        look(entry->row, *process);
    } catch (const std::exception& error) {
        core_.log(Severity::info, "settings of " + api::to_string(uuid) +
                                      " are looked at again later: " + error.what());
    }
}

} // namespace mshv::control
