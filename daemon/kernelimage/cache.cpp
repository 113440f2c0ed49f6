// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/cache.hpp"

#include "daemon/kernelimage/kernel_image.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mshv::kernelimage {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_reason = 4096;
// One that was handed out lately may be on its way into a VMM that is not running yet.
constexpr auto safe_age = std::chrono::hours(1);

std::string key_of(const struct stat& status) {
    const auto nanoseconds = [](const timespec& time) {
        return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec);
    };
    return std::to_string(status.st_dev) + "-" + std::to_string(status.st_ino) + "-" +
           std::to_string(status.st_size) + "-" + nanoseconds(status.st_mtim) + "-" +
           nanoseconds(status.st_ctim);
}

/// A temporary file that is gone unless it was published.
class Draft {
public:
    explicit Draft(std::string path)
        : path_(std::move(path)),
          fd_(posix::open_file(path_, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644)) {}
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    ~Draft() {
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }
    [[nodiscard]] int fd() const { return fd_.get(); }
    void publish(const std::string& name) {
        // Readable by every VMM's user, whatever the daemon's umask is.
        posix::check(::fchmod(fd_.get(), 0644), "chmod " + path_);
        posix::check(::fsync(fd_.get()), "fsync " + path_);
        MSHV_CRASHPOINT("kernelimage.before_publish");
        posix::check(::rename(path_.c_str(), name.c_str()), "rename to " + name);
        path_.clear();
    }

private:
    std::string path_;
    posix::Fd fd_;
};

/// Does any process have `path` as an argument? A guest's reboot starts its VMM again with it.
bool in_use(const std::string& path) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        const std::string name = entry.path().filename();
        if (name.empty() || name.front() < '0' || name.front() > '9') {
            continue;
        }
        try {
            const auto line = posix::read_file(entry.path() / "cmdline", std::size_t{1} << 20U);
            if (line.find(path) != std::string::npos) {
                return true;
            }
        } catch (const std::system_error&) {
            continue; // it ended meanwhile
        }
    }
    return false;
}

} // namespace

KernelCache::KernelCache(Options options)
    : options_(std::move(options)), folder_(options_.cache_dir + "/kernels") {}

KernelCache::Result KernelCache::unpacked(const std::string& kernel, posix::Deadline deadline) {
    struct stat status {};
    if (options_.program.empty()) {
        return {{}, "mshv-kernel-image is not installed"};
    }
    if (::stat(kernel.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return {{}, "it is no regular file"}; // whoever opens it for the VMM says more
    }
    const std::string key = key_of(status);
    std::unique_lock lock(mutex_);
    for (;;) {
        if (auto known = look_up(key)) {
            return *known;
        }
        if (!in_work_.contains(key)) {
            break;
        }
        if (deadline.is_never()) {
            done_.wait(lock);
        } else if (done_.wait_until(lock, deadline.point()) == std::cv_status::timeout) {
            return {{}, "another start is still unpacking it"};
        }
    }
    in_work_.insert(key);
    lock.unlock();
    Result result;
    try {
        result = unpack(kernel, key, deadline);
    } catch (const std::exception& error) {
        result.reason = error.what();
    }
    lock.lock();
    in_work_.erase(key);
    done_.notify_all();
    return result;
}

std::optional<KernelCache::Result> KernelCache::look_up(const std::string& key) const {
    const std::string path = folder_ + "/" + key + ".vmlinux";
    // Its time of access orders the entries by use; that it exists is what the call says.
    const timespec now_and_keep[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    if (::utimensat(AT_FDCWD, path.c_str(), now_and_keep, AT_SYMLINK_NOFOLLOW) == 0) {
        return Result{path, {}};
    }
    try {
        return Result{{}, posix::read_file(folder_ + "/" + key + ".none", longest_reason)};
    } catch (const std::system_error&) {
        return std::nullopt;
    }
}

KernelCache::Result KernelCache::unpack(const std::string& kernel, const std::string& key,
                                        posix::Deadline deadline) {
    posix::make_directories(folder_, 0755);
    const posix::Fd image = posix::open_file(kernel, O_RDONLY);
    struct stat status {};
    posix::check(::fstat(image.get(), &status), "stat " + kernel);
    if (key_of(status) != key) {
        return {{}, "it changed just now"};
    }
    Draft draft(folder_ + "/" + key + ".new");
    const posix::Fd words = posix::memory_file_for_writing("mshv-kernel-image");
    posix::Command command;
    command.program = options_.program;
    command.argv = {"mshv-kernel-image"};
    command.fds = {{image.get(), 0}, {draft.fd(), 1}, {words.get(), 2}};
    command.new_session = true;
    const posix::Child child = posix::spawn(command);
    try {
        child.pidfd.wait_ended(deadline);
    } catch (const posix::TimedOut&) {
        child.pidfd.signal(SIGKILL);
        child.pidfd.wait_ended(posix::Deadline::never()); // a killed process ends
        static_cast<void>(child.pidfd.reap());
        return {{}, "unpacking it took too long"};
    }
    const auto ended = child.pidfd.reap();
    posix::check(::lseek(words.get(), 0, SEEK_SET), "rewind");
    const std::string said = posix::read_all(words.get(), longest_reason, "words of the program");
    if (!ended || ended->signalled || ended->value == static_cast<int>(Verdict::io_error)) {
        return {{}, said.empty() ? "mshv-kernel-image was killed" : said};
    }
    if (ended->value == static_cast<int>(Verdict::unpacked)) {
        make_room();
        draft.publish(folder_ + "/" + key + ".vmlinux");
        return {folder_ + "/" + key + ".vmlinux", {}};
    }
    // What can never succeed is remembered, so that each start does not try again.
    const std::string reason = said.substr(0, said.find('\n'));
    posix::replace_file(folder_ + "/" + key + ".none", reason, 0644);
    return {{}, reason};
}

void KernelCache::make_room() const {
    struct Entry {
        std::string path;
        std::uint64_t size = 0;
        std::chrono::seconds used{};
    };
    std::vector<Entry> entries;
    std::uint64_t total = 0;
    std::error_code error;
    for (const auto& file : fs::directory_iterator(folder_, error)) {
        struct stat status {};
        if (::lstat(file.path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
            entries.push_back({file.path(), static_cast<std::uint64_t>(status.st_size),
                               std::chrono::seconds(status.st_atim.tv_sec)});
            total += entries.back().size;
        }
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.used < b.used; });
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    for (const auto& entry : entries) {
        if (total <= options_.limit || now - entry.used < safe_age) {
            return;
        }
        if (!in_use(entry.path) && ::unlink(entry.path.c_str()) == 0) {
            total -= entry.size;
        }
    }
}

} // namespace mshv::kernelimage
