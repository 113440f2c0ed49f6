// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/log_folders.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mshv::control {
namespace {

/// What is being removed is out of the way first: a new partition may have the same UUID.
constexpr std::string_view aside = ".removed-";

struct Folder {
    std::string name;
    api::Uuid uuid{};
    timespec used{};
};

bool later(const timespec& a, const timespec& b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

std::vector<std::string> names_in(int folder) {
    posix::Fd copy{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const std::unique_ptr<DIR, int (*)(DIR*)> list(copy ? ::fdopendir(copy.get()) : nullptr,
                                                   ::closedir);
    if (!list) {
        throw std::system_error(errno, std::generic_category(), "list the folder of logs");
    }
    (void)copy.release(); // the list's now
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(list.get())) { // NOLINT(concurrency-mt-unsafe): own DIR
        names.emplace_back(entry->d_name);
    }
    return names;
}

/// When something was last written there; nothing for what is no folder itself.
std::optional<timespec> last_used(int logs, const std::string& name) {
    struct stat info {};
    if (::fstatat(logs, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode)) {
        return std::nullopt;
    }
    struct stat log {};
    if (::fstatat(logs, (name + "/console.log").c_str(), &log, AT_SYMLINK_NOFOLLOW) == 0 &&
        later(log.st_mtim, info.st_mtim)) {
        return log.st_mtim;
    }
    return info.st_mtim;
}

} // namespace

void LogFolders::look() {
    if (!waiting_.exchange(true)) {
        core_.pool.post([this] {
            waiting_ = false;
            prune();
        });
    }
}

void LogFolders::prune() noexcept {
    try {
        const posix::Fd logs{
            ::open(core_.dirs.log_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!logs) {
            return; // nothing has been logged yet
        }
        std::vector<Folder> ended;
        std::vector<std::string> removed;
        for (const auto& name : names_in(logs.get())) {
            if (name.starts_with(aside)) {
                removed.push_back(name); // an earlier daemon was killed over it
                continue;
            }
            const auto uuid = api::parse_uuid(name);
            const auto used = uuid && !core_.directory.find(*uuid) ? last_used(logs.get(), name)
                                                                   : std::nullopt;
            if (used) {
                ended.push_back({name, *uuid, *used});
            }
        }
        std::sort(ended.begin(), ended.end(),
                  [](const Folder& a, const Folder& b) { return later(a.used, b.used); });
        for (std::size_t i = core_.options.keep_ended_logs; i < ended.size(); ++i) {
            if (put_aside(logs.get(), ended[i].name, ended[i].uuid)) {
                removed.push_back(std::string(aside) + ended[i].name);
            }
        }
        for (const auto& name : removed) {
            MSHV_CRASHPOINT("control.before_log_removal");
            posix::remove_tree(core_.dirs.log_dir + '/' + name);
        }
    } catch (const std::exception& error) {
        core_.log(Severity::warning, std::string("old console logs stay: ") + error.what());
    }
}

/// Under the partition's lock, so that none with this UUID is being made at the moment. Whoever has
/// just ended it may still hold that.
bool LogFolders::put_aside(int logs, const std::string& name, const api::Uuid& uuid) {
    try {
        const auto guard = core_.locks.acquire(
            uuid, name, api::OperationView{"clean", "mshvd", core_.clock.wall_ms()},
            core_.vmm_deadline());
        if (core_.directory.find(uuid)) {
            return false;
        }
        const std::string to = std::string(aside) + name;
        return ::renameat(logs, name.c_str(), logs, to.c_str()) == 0;
    } catch (const api::Error&) {
        return false; // the next look finds it
    }
}

} // namespace mshv::control
