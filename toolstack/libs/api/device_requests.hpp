// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

// In each of them: `live` = in what runs, until it ends; `config` = in the definition, as a
// revision; neither = in what runs, or, when nothing does, in the definition.

/// POST /v1/partitions/{sel}/attach-disk
struct AttachDiskRequest {
    Disk disk; ///< without target or alias: the next that is free
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000;
};

/// POST /v1/partitions/{sel}/detach-disk
struct DetachDiskRequest {
    std::string target; ///< "vdb"
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000; ///< for the guest to let go of it
};

/// POST /v1/partitions/{sel}/resize-disk
struct ResizeDiskRequest {
    std::string target;     ///< "vdb"
    std::uint64_t size = 0; ///< bytes, whole sectors of 512
    bool shrink = false;    ///< may become smaller, and lose what is behind
    std::uint64_t timeout_ms = 10'000;
};

enum class DiskState {
    present,   ///< in what runs
    attaching, ///< the VMM is being given it
    detaching, ///< the guest has been asked to let go of it
    defined,   ///< in the definition alone
};
MSHV_ENUM_NAMES(DiskState, {DiskState::present, "present"}, {DiskState::attaching, "attaching"},
                {DiskState::detaching, "detaching"}, {DiskState::defined, "defined"});

struct DiskView {
    Disk disk;
    DiskState state = DiskState::present;
    bool config = false; ///< the definition has it, too
};

/// GET /v1/partitions/{sel}/disks
struct DiskList {
    std::vector<DiskView> disks;
};

} // namespace mshv::api
