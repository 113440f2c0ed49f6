// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/store.hpp"
#include "daemon/vmm/vmm.hpp"

#include <string>

namespace mshv::control {

/// What one event of a keeper does to the database, once: one whose number was recorded before, or
/// of another run, does nothing. Returns true when the run has ended with it.
/// `asked_by`: who asked the VPs to run or to stand still, as far as it is known.
bool apply_keeper_event(store::Transaction& transaction, store::PartitionNumber id,
                        const std::string& incarnation, const vmm::KeeperEvent& event,
                        const std::string& asked_by);

/// True for ends that somebody wanted: the partition is then shutoff, else crashed.
bool is_wanted_end(api::Reason reason);

} // namespace mshv::control
