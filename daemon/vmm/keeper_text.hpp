// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/protocol.hpp"
#include "daemon/vmm/vmm.hpp"
#include "toolstack/libs/api/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mshv::vmm {

/// A keeper's `event` line. Empty for a kind that this daemon does not know. Throws
/// keeper::ProtocolError for a line that is not well formed.
std::optional<KeeperEvent> to_event(const keeper::Message& line);

/// The fields of an answer to `hello` or `status`.
KeeperStatus to_status(const keeper::Message& answer);

keeper::Policy to_policy(const domain::EndPolicy& policy);

/// What an `error` answer becomes; `what` is the subject, e.g. "pause".
api::Error to_error(const keeper::Message& answer, std::string_view what);

/// RUN_DIR/state, which a keeper leaves for the case of its own death.
struct KeeperState {
    std::optional<posix::ProcessIdentity> keeper, vmm;
    std::int64_t generation = 0;
    std::string boot_id, nonce, uuid;
};
/// Empty when there is no such file or it is not one.
std::optional<KeeperState> read_keeper_state(const std::string& run_dir);

/// The events after `since` that a keeper's journal holds on disk.
std::vector<KeeperEvent> read_journal(const std::string& run_dir, std::int64_t since);

/// RUN_DIR/launch: what a later daemon must know of a VMM to talk to it; written before the keeper
/// starts.
struct LaunchNote {
    api::Accelerator accelerator = api::Accelerator::tcg;
    std::string vmm_version; ///< "qemu 7.2.22"
    bool agent = false;
    std::string kernel; ///< what -kernel got: needed again for each respawn; may be empty
};
void write_launch_note(const std::string& run_dir, const LaunchNote& note);
LaunchNote read_launch_note(const std::string& run_dir);

} // namespace mshv::vmm
