// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/saved_file.hpp"

#include <functional>

// What is asked of a saved file, and of this host, before a guest goes on from it.

namespace mshv::control {

/// Runs a check. What a check throws, an api::Error, is why the file is not restored.
using Checker = std::function<void(const std::function<void()>& check)>;

/// Ends at the first reason.
inline void at_first(const std::function<void()>& check) {
    check();
}

/// Throws Error{invalid} when nothing of the file can be used.
void refuse_unusable(const SavedImage& image);

/// The definition may have changed since, but not the machine. What the guest goes on with: the
/// definition, and its disks, interfaces and settings as they were at the end.
void take_definition(SavedImage& image, const api::PartitionSpec& current);

/// Is there a place for it: the partition that it was, `entry`, is off and as it was, or its name
/// is free? The image takes the definition over.
void check_place(Core& core, SavedImage& image, const Directory::EntryPtr& entry,
                 const Checker& run);

/// The VMM, the machine, the processor, and the disks. `force`: whatever became of the disks.
void check_saved(Core& core, const SavedImage& image, api::PartitionNumber id, bool force,
                 const Checker& run);

} // namespace mshv::control
