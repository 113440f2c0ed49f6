// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/files.hpp"

#include "daemon/vmm/disk_identity.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace mshv::vmm {
namespace {

using posix::Fd;

std::string hint_for(int error) {
    switch (error) {
    case ENOENT:
        return "create the file, or correct the path in the definition";
    case EACCES:
    case EPERM:
        return "the daemon may not open it: look at the file's and its folders' modes";
    case EROFS:
        return "add <readonly/>, or mount the file system for writing";
    case EBUSY:
        return "another program holds the device";
    case ETXTBSY:
        return "a running program is executed from it";
    case EMFILE:
    case ENFILE:
        return "raise LimitNOFILE of mshvd.service";
    default:
        return {};
    }
}

[[noreturn]] void throw_open(const std::string& path, int error) {
    throw api::Error(api::ErrorCode::failed,
                     "Cannot open " + path + ": " + std::generic_category().message(error),
                     hint_for(error));
}

/// The file without any of the effects of opening it.
Fd locate(const std::string& path) {
    const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (fd < 0) {
        throw_open(path, errno);
    }
    return Fd{fd};
}

/// Opens what `located` stands for: the very file that was looked at.
Fd reopen(const Fd& located, int flags, const std::string& path) {
    const std::string link = "/proc/self/fd/" + std::to_string(located.get());
    const int fd = ::open(link.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        throw_open(path, errno);
    }
    return Fd{fd};
}

const char* kind_of(mode_t mode) {
    return S_ISREG(mode)    ? "a regular file"
           : S_ISBLK(mode)  ? "a block device"
           : S_ISDIR(mode)  ? "a folder"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : "a character device";
}

std::uint64_t big_endian(const unsigned char* bytes, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        value = value << 8U | bytes[i];
    }
    return value;
}

/// An image's header can name other files of the host; only declared ones are allowed.
void check_qcow2(const Fd& located, const domain::FilePlan& file) {
    const Fd reader = reopen(located, O_RDONLY, file.path);
    std::array<unsigned char, 104> header{};
    const auto got = ::pread(reader.get(), header.data(), header.size(), 0);
    constexpr std::uint64_t magic = 0x514649fb;
    if (got < 72 || big_endian(header.data(), 4) != magic) {
        throw api::Error(api::ErrorCode::invalid, file.path + " is not a qcow2 image",
                         "declare its format: driver type=\"raw\"");
    }
    const auto version = big_endian(header.data() + 4, 4);
    if (version != 2 && version != 3) {
        throw api::Error(api::ErrorCode::unsupported,
                         file.path + " is qcow2 of version " + std::to_string(version));
    }
    if (big_endian(header.data() + 8, 8) != 0 && !file.backing) {
        throw api::Error(api::ErrorCode::invalid,
                         file.path + " has a backing file that the definition does not declare",
                         "add <backingStore>, or convert the image with 'qemu-img convert'");
    }
    if (big_endian(header.data() + 32, 4) != 0) {
        throw api::Error(api::ErrorCode::unsupported, file.path + " is encrypted");
    }
    constexpr std::uint64_t external_data = 4;
    if (version == 3 && (got < 104 || (big_endian(header.data() + 72, 8) & external_data) != 0)) {
        throw api::Error(api::ErrorCode::unsupported, file.path + " keeps its data in another file",
                         "convert it with 'qemu-img convert'");
    }
}

/// Can everybody read `path`, by the modes alone? Then no thread has to ask for one user.
bool readable_by_all(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) ||
        (info.st_mode & S_IROTH) == 0) {
        return false;
    }
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0;
         slash = path.rfind('/', slash - 1)) {
        if (::lstat(path.substr(0, slash).c_str(), &info) != 0 || !S_ISDIR(info.st_mode) ||
            (info.st_mode & S_IXOTH) == 0) {
            return false;
        }
    }
    return path.starts_with('/');
}

/// Can `user` open `path` for reading? Asked of the kernel, so that access lists count too.
bool readable_by(const domain::VmmUser& user, const std::string& path) {
    if (readable_by_all(path)) {
        return true;
    }
    bool readable = false;
    // These calls change the calling thread only; a thread of its own ends with them.
    std::thread asker([&] {
        if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0) {
            return;
        }
        (void)::syscall(SYS_setfsgid, user.gid);
        (void)::syscall(SYS_setfsuid, user.uid);
        const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
        readable = static_cast<bool>(fd);
    });
    asker.join();
    return readable;
}

void copy_bytes(const Fd& from, const Fd& to, const std::string& what) {
    for (;;) {
        const ssize_t sent = ::sendfile(to.get(), from.get(), nullptr, 1 << 24);
        if (sent == 0) {
            return;
        }
        if (sent < 0 && errno != EINTR) {
            posix::throw_errno("copy " + what);
        }
    }
}

} // namespace

Fd open_disk(const domain::FilePlan& file) {
    const Fd located = locate(file.path);
    struct stat info {};
    posix::check(::fstat(located.get(), &info), "look at " + file.path);
    const bool right = file.block_device ? S_ISBLK(info.st_mode) : S_ISREG(info.st_mode);
    if (!right) {
        throw api::Error(api::ErrorCode::invalid,
                         file.path + " is " + kind_of(info.st_mode) + ", and the definition says " +
                             (file.block_device ? "a block device" : "a regular file"),
                         S_ISBLK(info.st_mode)   ? "use disk type=\"block\" and source/@dev"
                         : S_ISREG(info.st_mode) ? "use disk type=\"file\" and source/@file"
                                                 : "");
    }
    if (!file.node.empty() &&
        file.node != node_of({info.st_mode, info.st_dev, info.st_ino, info.st_rdev})) {
        throw api::Error(api::ErrorCode::failed,
                         file.path + " leads to another disk than a moment ago",
                         "try again when nobody replaces it");
    }
    if (file.format == api::DiskFormat::qcow2) {
        check_qcow2(located, file);
    }
    const int access = file.writable ? O_RDWR : O_RDONLY;
    Fd fd;
    try {
        fd = reopen(located, access | (file.direct ? O_DIRECT : 0), file.path);
    } catch (const api::Error&) {
        if (file.direct && errno == EINVAL) {
            throw api::Error(api::ErrorCode::unsupported,
                             "The file system of " + file.path + " cannot bypass the page cache",
                             "use cache=\"writeback\"");
        }
        throw;
    }
    posix::set_nonblocking(fd.get(), false);
    return fd;
}

std::string make_readable(const std::string& path, const std::string& copy,
                          const std::optional<domain::VmmUser>& user) {
    const Fd located = locate(path);
    struct stat info {};
    posix::check(::fstat(located.get(), &info), "look at " + path);
    if (!S_ISREG(info.st_mode)) {
        throw api::Error(api::ErrorCode::invalid,
                         path + " is " + kind_of(info.st_mode) + ", not a regular file");
    }
    const Fd reader = reopen(located, O_RDONLY, path); // the daemon at least must be able to
    // QEMU splits an initrd's path at commas when the kernel is a multiboot one.
    const bool plain = path.find(',') == std::string::npos;
    if (plain && (!user || readable_by(*user, path))) {
        return path;
    }
    MSHV_CRASHPOINT("vmm.stage.before");
    const Fd writer = posix::open_file(copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0400);
    copy_bytes(reader, writer, path);
    if (user) {
        posix::check(::fchown(writer.get(), user->uid, user->gid), "give away " + copy);
    }
    MSHV_CRASHPOINT("vmm.stage.after");
    return copy;
}

void copy_template(const domain::CopyPlan& plan) {
    struct stat info {};
    if (::lstat(plan.to.c_str(), &info) == 0) {
        return;
    }
    const std::string folder = plan.to.substr(0, plan.to.rfind('/'));
    constexpr std::size_t largest = 64UL * 1024 * 1024;
    try {
        const std::string content = posix::read_file(plan.from, largest);
        posix::make_directories(folder, 0700);
        MSHV_CRASHPOINT("vmm.template.before_write");
        posix::replace_file(plan.to, content, 0600);
        MSHV_CRASHPOINT("vmm.template.after_write");
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::failed,
                         std::string("Cannot make the firmware's variable store: ") + error.what());
    }
}

void make_folder(const std::string& path, mode_t mode, Existing existing) {
    if (::mkdir(path.c_str(), mode) != 0 && !(errno == EEXIST && existing == Existing::accept)) {
        posix::throw_errno("create folder " + path);
    }
    const Fd folder = posix::open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    posix::check(::fchmod(folder.get(), mode), "set the mode of " + path);
}

} // namespace mshv::vmm
