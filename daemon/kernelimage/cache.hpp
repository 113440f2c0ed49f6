// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace mshv::kernelimage {

/// Unpacked kernels, below <cache_dir>/kernels. An entry's name is the kernel file's identity:
/// device, inode, size, time of change and time of content. A change of the file changes its ctime,
/// which nobody can set back, so a look-up costs one stat and never reads the kernel. Thread-safe;
/// of several callers that want the same kernel one unpacks it and the others wait.
class KernelCache {
public:
    struct Options {
        std::string cache_dir;
        std::string program;     ///< mshv-kernel-image; empty = nothing is ever unpacked
        std::uint64_t limit = 0; ///< bytes; least recently used entries beyond it are removed
    };

    explicit KernelCache(Options options);

    struct Result {
        std::string path;   ///< of the vmlinux; empty when the kernel boots as it is
        std::string reason; ///< then: why
    };
    /// The vmlinux to boot instead of `kernel`. A kernel that cannot be unpacked is no error, nor
    /// is a cache that cannot be written: the kernel itself boots, only slower.
    Result unpacked(const std::string& kernel, posix::Deadline deadline);

private:
    std::optional<Result> look_up(const std::string& key) const;
    Result unpack(const std::string& kernel, const std::string& key, posix::Deadline deadline);
    void make_room() const;

    const Options options_;
    const std::string folder_;
    std::mutex mutex_;
    std::condition_variable done_;
    std::set<std::string> in_work_;
};

} // namespace mshv::kernelimage
