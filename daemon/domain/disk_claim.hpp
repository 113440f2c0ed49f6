// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mshv::domain {

/// Bytes of a file or of a whole block device. Two paths, hard links or devices that lead to the
/// same bytes have the same base and meet in their range.
struct Extent {
    std::string base; ///< "file DEVICE:INODE" or "device MAJOR:MINOR"
    std::int64_t first = 0;
    std::int64_t past = INT64_MAX; ///< INT64_MAX = to its end
    bool operator==(const Extent&) const = default;
};

/// What a run wants of one file or device, by what it is and not by a path that leads to it.
struct DiskClaim {
    std::string device; ///< the disk that wants it, "vda"; also of its backing files
    std::string path;   ///< as the definition has it
    std::string node;   ///< the very file or device that the path led to when it was looked at
    Extent self;        ///< where its bytes are
    /// Devices that it is made of besides (LVM, RAID): who has one of them as a whole meets it, two
    /// that are made of the same do not.
    std::vector<Extent> made_of;
    bool writes = false;
    bool shares = false; ///< the definition says that others may write, too
};

/// How a disk of a definition is used.
inline bool writes(const api::Disk& disk) {
    return !disk.read_only && disk.device == api::DiskDevice::disk;
}

} // namespace mshv::domain
