// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

namespace mshv::domain {

// Is what a guest has there the same device still? A cable that was plugged in or pulled makes no
// other interface of it, a medium no other drive, and limits no other disk.

/// Gives `drive` the medium of `from`; whatever else it is stays.
inline void take_medium(api::Disk& drive, const api::Disk& from) {
    drive.source = from.source;
    drive.path = from.path;
    drive.format = from.format;
    drive.backing = from.backing;
}

inline bool has_same_medium(const api::Disk& a, const api::Disk& b) {
    return a.source == b.source && a.path == b.path && a.format == b.format &&
           a.backing == b.backing;
}

inline bool is_same(const api::Disk& a, api::Disk b) {
    b.iotune = a.iotune;
    if (a.device == api::DiskDevice::cdrom) {
        take_medium(b, a);
    }
    return a == b;
}

inline bool is_same(const api::Nic& a, api::Nic b) {
    b.link_up = a.link_up;
    return a == b;
}

} // namespace mshv::domain
