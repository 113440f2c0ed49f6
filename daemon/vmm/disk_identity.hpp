// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/disk_claim.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mshv::vmm {

/// "file DEVICE:INODE" of a regular file, "device MAJOR:MINOR" of a block device; else empty.
struct FileStatus {
    mode_t mode = 0;
    dev_t device = 0; ///< that it is on
    ino_t inode = 0;
    dev_t number = 0; ///< that it is
};
std::string node_of(const FileStatus& status);

/// Where the bytes are that a path leads to. Nothing is opened.
struct DiskIdentity {
    std::string node;
    domain::Extent self;
    std::vector<domain::Extent> made_of;
};

/// Of a file or block device, symbolic links followed; empty when it is neither or cannot be looked
/// at. A partition is a part of its disk, a loop device a part of its file, and a mapped or RAID
/// device is made of those below it, as the kernel says in `sysfs`.
std::optional<DiskIdentity> identify_disk(const std::string& path,
                                          const std::string& sysfs = "/sys");
/// The same of a block device by number.
DiskIdentity identify_device(unsigned major, unsigned minor, const std::string& sysfs = "/sys");

/// What a run of `spec` will use: each disk with its backing files as declared, since no other is
/// ever opened, and the firmware's variable store. What cannot be looked at is left out: the launch
/// says why it cannot be opened.
std::vector<domain::DiskClaim> disk_claims(const api::PartitionSpec& spec);
std::vector<domain::DiskClaim> disk_claims(const api::Disk& disk);

} // namespace mshv::vmm
