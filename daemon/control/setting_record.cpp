// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/setting_record.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

namespace mshv::control {

using api::Error;
using api::ErrorCode;

void record_setting(Core& core, const store::PartitionRow& row, const Recorded& what,
                    const std::string& actor) {
    MSHV_CRASHPOINT("control.before_setting");
    core.store.write([&](store::Transaction& t) {
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

} // namespace mshv::control
