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

/// POST /v1/partitions/{sel}/change-medium
struct ChangeMediumRequest {
    std::string target; ///< "sda", a CD drive
    std::string path;   ///< the image or device; empty = the drive is emptied
    DiskSource source = DiskSource::file;
    DiskFormat format = DiskFormat::raw;
    bool force = false; ///< also when the guest has locked the tray
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000; ///< for the guest to open a tray that it has locked
};

/// What is given of a limit replaces what it was; without bytes or requests a second nothing of it
/// is left.
struct IoLimitChange {
    std::optional<std::uint64_t> per_second, max, max_length;
    bool operator==(const IoLimitChange&) const = default;
};

/// POST /v1/partitions/{sel}/set-disk-limits
struct SetDiskLimitsRequest {
    std::string target; ///< "vdb"
    /// Those of the other kind (total against read and write) go when they are not given, too.
    std::optional<IoLimitChange> total_bytes, read_bytes, write_bytes;
    std::optional<IoLimitChange> total_iops, read_iops, write_iops;
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000;
};

enum class DeviceState {
    present,   ///< in what runs
    attaching, ///< the VMM is being given it
    detaching, ///< the guest has been asked to let go of it
    defined,   ///< in the definition alone
};
MSHV_ENUM_NAMES(DeviceState, {DeviceState::present, "present"},
                {DeviceState::attaching, "attaching"}, {DeviceState::detaching, "detaching"},
                {DeviceState::defined, "defined"});

struct DiskView {
    Disk disk;
    DeviceState state = DeviceState::present;
    bool config = false; ///< the definition has it, too
};

/// GET /v1/partitions/{sel}/disks
struct DiskList {
    std::vector<DiskView> disks;
};

/// POST /v1/partitions/{sel}/attach-interface
struct AttachNicRequest {
    Nic interface; ///< without MAC or alias: made
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000;
};

/// POST /v1/partitions/{sel}/detach-interface
struct DetachNicRequest {
    std::string target; ///< MAC or alias
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000; ///< for the guest to let go of it
};

/// POST /v1/partitions/{sel}/set-link
struct SetLinkRequest {
    std::string target; ///< MAC or alias
    bool up = true;     ///< the cable is plugged in
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000;
};

struct NicView {
    Nic interface;
    DeviceState state = DeviceState::present;
    bool config = false;                        ///< the definition has it, too
    std::string tap;                            ///< on the host; empty = it has none now
    std::optional<std::int64_t> received, sent; ///< bytes, by the guest, since the tap was made
};

/// GET /v1/partitions/{sel}/interfaces
struct NicList {
    std::vector<NicView> interfaces;
};

} // namespace mshv::api
