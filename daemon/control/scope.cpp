// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/scope.hpp"

#include "daemon/control/core.hpp"

namespace mshv::control {

Scope scope_of(const store::PartitionRow& row, bool live, bool config) {
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

} // namespace mshv::control
