// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/factory.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <unistd.h>
#include <vector>

namespace mshv::test {

/// A folder of its own below /tmp that goes away with its owner.
class Folder {
public:
    Folder() {
        std::string pattern = "/tmp/mshv-vmm-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
        std::filesystem::permissions(path_, std::filesystem::perms(0755));
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { posix::remove_tree(path_); }
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return path_ + "/" + name;
    }

private:
    std::string path_;
};

/// The daemon's side of one host, private to a test.
inline vmm::HostOptions options_in(const Folder& folder) {
    vmm::HostOptions options;
    options.run_dir = folder / "run";
    options.log_dir = folder / "log";
    options.cache_dir = folder / "cache";
    options.state_dir = folder / "state";
    options.keeper = MSHV_KEEPER;
    options.kernel_image = MSHV_KERNEL_IMAGE;
    if (::geteuid() == 0) {
        options.uid_base = 2'000'000;
        options.uid_count = 1000;
    }
    return options;
}

/// What a sink has seen, and a wait for it.
class Events {
public:
    void add(const vmm::KeeperEvent& event) {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
        changed_.notify_all();
    }
    /// True when an event of `kind` has come, or comes within ten seconds.
    bool wait(vmm::KeeperEvent::Kind kind) { return wait_count(kind, 1); }
    /// The same for `count` of them.
    bool wait_count(vmm::KeeperEvent::Kind kind, std::ptrdiff_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
            return std::count_if(events_.begin(), events_.end(),
                                 [&](const auto& event) { return event.kind == kind; }) >= count;
        });
    }
    std::vector<vmm::KeeperEvent> all() {
        const std::lock_guard lock(mutex_);
        return events_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<vmm::KeeperEvent> events_;
};

inline api::PartitionSpec small_spec(const std::string& name) {
    api::PartitionSpec spec;
    spec.name = name;
    spec.uuid = api::random_uuid();
    spec.memory.size = 64UL * 1024 * 1024;
    spec.accelerator = api::Accelerator::tcg;
    spec.devices.console = api::Console{};
    return spec;
}

inline bool has_qemu() {
    return ::access("/usr/bin/qemu-system-x86_64", X_OK) == 0;
}

} // namespace mshv::test
