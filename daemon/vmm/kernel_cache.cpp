// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/kernel_cache.hpp"

#include "daemon/vmm/files.hpp"
#include "daemon/vmm/sha256.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mshv::vmm {
namespace {

using posix::Deadline;
using posix::Fd;

constexpr std::string_view index_format = "mshv-kernel-index 1 ";
constexpr auto fresh_for = std::chrono::minutes(10); ///< a start may be about to record its use

std::string key_of(const struct stat& info) {
    return std::to_string(info.st_dev) + "-" + std::to_string(info.st_ino) + "-" +
           std::to_string(info.st_size) + "-" + std::to_string(info.st_mtim.tv_sec) + "." +
           std::to_string(info.st_mtim.tv_nsec) + "-" + std::to_string(info.st_ctim.tv_sec) + "." +
           std::to_string(info.st_ctim.tv_nsec);
}

bool is_digest(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

/// The file's digest, read through a mapping.
std::string digest_of(int fd, std::size_t size) {
    Sha256 hash;
    std::vector<unsigned char> buffer(1UL << 20U);
    std::size_t at = 0;
    while (at < size) {
        const auto got = posix::check(
            ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(at)), "read kernel");
        if (got == 0) {
            errno = EIO;
            posix::throw_errno("the kernel became shorter");
        }
        hash.add({buffer.data(), static_cast<std::size_t>(got)});
        at += static_cast<std::size_t>(got);
    }
    return hash.finish();
}

/// Removes a file that was not finished.
class Unfinished {
public:
    explicit Unfinished(std::string path) : path_(std::move(path)) {}
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    Unfinished(Unfinished&&) = delete;
    Unfinished& operator=(Unfinished&&) = delete;
    ~Unfinished() { ::unlink(path_.c_str()); }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

const char* reason_of(int status) {
    switch (status) {
    case 10:
        return "it is no bzImage";
    case 11:
        return "it is compressed in an unknown way";
    case 12:
        return "its compressed data is damaged";
    case 13:
        return "it is too big";
    case 14:
        return "it holds no x86-64 ELF file";
    case 15:
        return "it was built without CONFIG_PVH";
    default:
        return "it could not be unpacked";
    }
}

constexpr int unpacked = 0;
constexpr int is_vmlinux = 16;

/// Does the status say something about the kernel that will stay true?
bool lasting(int status) {
    return status == unpacked || (status >= 10 && status <= is_vmlinux);
}

} // namespace

struct KernelCache::Source {
    std::string path;
    Fd fd;
    struct stat info {};
};

KernelCache::KernelCache(std::string folder, std::string program, std::uint64_t limit,
                         std::function<std::set<std::string>()> pinned)
    : folder_(std::move(folder)), program_(std::move(program)), limit_(limit),
      pinned_(std::move(pinned)) {}

FastKernel KernelCache::find(const std::string& path, Deadline deadline) {
    if (program_.empty()) {
        return {{}, "unpacking is switched off"};
    }
    Source source;
    source.path = path;
    if (::stat(path.c_str(), &source.info) != 0 || !S_ISREG(source.info.st_mode)) {
        return {{}, "it is not a regular file"};
    }
    const std::string key = key_of(source.info);
    std::promise<FastKernel> promise;
    std::shared_future<FastKernel> result;
    bool mine = false;
    {
        const posix::Lock lock(mutex_);
        const auto known = known_.find(key);
        mine = known == known_.end();
        result = mine ? promise.get_future().share() : known->second;
        if (mine) {
            known_.emplace(key, result);
        }
    }
    if (!mine) {
        if (!deadline.is_never() &&
            result.wait_until(deadline.point()) != std::future_status::ready) {
            return {{}, "it is still being unpacked"};
        }
        FastKernel kernel = result.get();
        if (kernel.path.empty() || ::access(kernel.path.c_str(), R_OK) == 0) {
            return kernel;
        }
        const posix::Lock lock(mutex_);
        known_.erase(key); // somebody emptied the cache: made anew by the next one
        return {{}, "the cached one has gone"};
    }
    FastKernel kernel;
    bool keep = true;
    try {
        const auto indexed = from_index(key);
        kernel = indexed ? *indexed : unpack(source, deadline);
    } catch (const std::exception& error) {
        kernel = {{}, error.what()};
        keep = false; // a full disk today says nothing about tomorrow
    }
    promise.set_value(kernel);
    if (!keep) {
        const posix::Lock lock(mutex_);
        known_.erase(key);
    }
    return kernel;
}

std::optional<FastKernel> KernelCache::from_index(const std::string& key) const {
    std::string text;
    try {
        text = posix::read_file(folder_ + "/index/" + key, 4096);
    } catch (const std::system_error&) {
        return std::nullopt;
    }
    if (!text.starts_with(index_format) || text.back() != '\n') {
        return std::nullopt;
    }
    std::string rest = text.substr(index_format.size());
    rest.pop_back();
    if (rest.starts_with("pvh ") && is_digest(rest.substr(4))) {
        const std::string path = folder_ + "/" + rest.substr(4) + "/vmlinux";
        // Touched when used: eviction takes what was used longest ago.
        if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) != 0) {
            return std::nullopt;
        }
        return FastKernel{path, {}};
    }
    if (rest.starts_with("none ")) {
        return FastKernel{{}, rest.substr(5)};
    }
    return std::nullopt;
}

void KernelCache::to_index(const std::string& key, const std::string& line) const {
    make_folder(folder_ + "/index", 0755, Existing::accept);
    posix::replace_file(folder_ + "/index/" + key, std::string(index_format) + line + "\n", 0644);
}

FastKernel KernelCache::unpack(const Source& source, Deadline deadline) {
    Source opened;
    opened.path = source.path;
    opened.fd = posix::open_file(source.path, O_RDONLY | O_NONBLOCK);
    posix::check(::fstat(opened.fd.get(), &opened.info), "look at " + source.path);
    const std::string key = key_of(opened.info);
    if (key != key_of(source.info)) {
        return {{}, "it is being replaced"};
    }
    const std::string digest =
        digest_of(opened.fd.get(), static_cast<std::size_t>(opened.info.st_size));
    // Open to all whatever the umask is: VMMs of other users read from here.
    posix::make_directories(folder_.substr(0, folder_.rfind('/')), 0755);
    make_folder(folder_, 0755, Existing::accept);
    const std::string path = folder_ + "/" + digest + "/vmlinux";
    FastKernel kernel{path, {}};
    if (::access(path.c_str(), R_OK) != 0) {
        kernel = run_program(opened, digest, deadline);
    }
    struct stat after {};
    posix::check(::fstat(opened.fd.get(), &after), "look at " + source.path);
    if (key_of(after) != key) {
        return {{}, "it changed while it was read"};
    }
    if (kernel.path == path) {
        to_index(key, "pvh " + digest);
    } else if (kernel.path.empty()) {
        to_index(key, "none " + kernel.why);
    }
    return kernel;
}

FastKernel KernelCache::run_program(const Source& source, const std::string& digest,
                                    Deadline deadline) {
    const std::string folder = folder_ + "/" + digest;
    make_folder(folder, 0755, Existing::accept);
    const Unfinished beside(folder + "/new." + std::to_string(::getpid()));
    const Fd out = posix::open_file(beside.path(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    posix::Command command;
    command.program = program_;
    command.argv = {"mshv-kernel-image"};
    command.fds = {{source.fd.get(), 0}, {out.get(), 1}};
    command.new_session = true;
    command.dies_with_parent = true;
    posix::check(::lseek(source.fd.get(), 0, SEEK_SET), "rewind " + source.path);
    const auto child = posix::spawn(command);
    try {
        child.pidfd.wait_ended(deadline);
    } catch (const posix::TimedOut&) {
        child.pidfd.signal(SIGKILL);
        child.pidfd.wait_ended(Deadline::after(std::chrono::seconds(5)));
        (void)child.pidfd.reap();
        throw;
    }
    const auto status = child.pidfd.reap();
    const int value = status && !status->signalled ? status->value : 1;
    if (value == is_vmlinux) {
        ::rmdir(folder.c_str());
        return {source.path, {}};
    }
    if (value != unpacked) {
        ::unlink(beside.path().c_str());
        ::rmdir(folder.c_str());
        if (!lasting(value)) {
            throw std::runtime_error(reason_of(value));
        }
        return {{}, reason_of(value)};
    }
    // As readable as the kernel it came from: a VMM's own user gets a copy of what it may not read.
    posix::check(::fchmod(out.get(), (source.info.st_mode & 0004U) != 0 ? 0444 : 0400),
                 "set the mode of " + beside.path());
    posix::check(::fsync(out.get()), "fsync " + beside.path());
    MSHV_CRASHPOINT("vmm.kernel_cache.before_rename");
    const std::string path = folder + "/vmlinux";
    posix::check(::rename(beside.path().c_str(), path.c_str()), "rename to " + path);
    MSHV_CRASHPOINT("vmm.kernel_cache.after_rename");
    evict(folder);
    return {path, {}};
}

void KernelCache::evict(const std::string& newest) const {
    namespace fs = std::filesystem;
    struct Entry {
        fs::file_time_type used;
        std::uint64_t size;
        std::string folder;
    };
    std::vector<Entry> entries;
    std::uint64_t total = 0;
    const auto pinned = pinned_ ? pinned_() : std::set<std::string>();
    std::error_code ignored; // another daemon may be removing the same entry
    for (const auto& folder : fs::directory_iterator(folder_, ignored)) {
        const auto file = folder.path() / "vmlinux";
        const auto size = fs::file_size(file, ignored);
        if (ignored || !is_digest(folder.path().filename().string())) {
            continue;
        }
        total += size;
        const auto used = fs::last_write_time(file, ignored);
        const bool busy = pinned.contains(file.string()) || folder.path() == newest ||
                          fs::file_time_type::clock::now() - used < fresh_for;
        if (!busy) {
            entries.push_back({used, size, folder.path().string()});
        }
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.used < b.used; });
    for (const auto& entry : entries) {
        if (total <= limit_) {
            break;
        }
        posix::remove_tree(entry.folder);
        total -= entry.size;
    }
}

} // namespace mshv::vmm
