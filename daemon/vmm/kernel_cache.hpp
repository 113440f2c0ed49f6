// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace mshv::vmm {

/// A kernel in a form that boots faster: its vmlinux, if it has a PVH entry.
struct FastKernel {
    std::string path; ///< empty = there is none
    std::string why;  ///< why there is none
};

/// Unpacks each kernel once: FOLDER/<sha256>/vmlinux. What a path held is remembered by device,
/// inode, size and times in FOLDER/index, so that a repeated start costs a stat. Thread-safe;
/// starts of one kernel at the same time share one unpacking.
class KernelCache {
public:
    /// `program`: mshv-kernel-image. `pinned`: paths that must not be evicted, since a running
    /// partition needs its kernel again to reboot.
    KernelCache(std::string folder, std::string program, std::uint64_t limit,
                std::function<std::set<std::string>()> pinned);

    /// Never throws for a kernel that cannot be used so: the caller boots the file itself, and
    /// hears about what is wrong with it from there.
    FastKernel find(const std::string& path, posix::Deadline deadline);

private:
    struct Source;
    FastKernel unpack(const Source& source, posix::Deadline deadline);
    FastKernel run_program(const Source& source, const std::string& digest,
                           posix::Deadline deadline);
    std::optional<FastKernel> from_index(const std::string& key) const;
    void to_index(const std::string& key, const std::string& line) const;
    void evict(const std::string& newest) const;

    std::string folder_;
    std::string program_;
    std::uint64_t limit_;
    std::function<std::set<std::string>()> pinned_;
    posix::Mutex mutex_;
    std::map<std::string, std::shared_future<FastKernel>>
        known_ MSHV_GUARDED_BY(mutex_); ///< by key
};

} // namespace mshv::vmm
