// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/file.hpp"

#include "toolstack/libs/posix/folder.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace mshv::posix {

Fd open_file(const std::string& path, int flags, mode_t mode) {
    for (;;) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
        if (fd >= 0) {
            return Fd{fd};
        }
        if (errno != EINTR) {
            throw_errno("open " + path);
        }
    }
}

std::string read_all(int fd, std::size_t limit, std::string_view what) {
    std::string content;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            throw_errno("read " + std::string(what));
        }
        if (got == 0) {
            return content;
        }
        content.append(buffer.data(), static_cast<std::size_t>(got));
        if (content.size() > limit) {
            errno = EFBIG;
            throw_errno("read " + std::string(what));
        }
    }
}

std::string read_file(const std::string& path, std::size_t limit) {
    const Fd fd = open_file(path, O_RDONLY);
    return read_all(fd.get(), limit, path);
}

void replace_file(const std::string& path, std::string_view data, mode_t mode) {
    const std::string beside = path + ".new";
    try {
        const Fd fd = open_file(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
        write_all(fd.get(), data, Deadline::never(), "write " + beside);
        check(::fsync(fd.get()), "fsync " + beside);
        check(::rename(beside.c_str(), path.c_str()), "rename to " + path);
    } catch (...) {
        ::unlink(beside.c_str());
        throw;
    }
    sync_folder_of(path);
}

Fd memory_file_for_writing(const std::string& name) {
    return Fd{check(::memfd_create(name.c_str(), MFD_CLOEXEC), "memfd_create")};
}

Fd memory_file(const std::string& name, std::string_view data) {
    Fd fd{check(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create")};
    write_all(fd.get(), data, Deadline::never(), "write " + name);
    check(::lseek(fd.get(), 0, SEEK_SET), "rewind " + name);
    check(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), "seal");
    return fd;
}

void make_directories(const std::string& path, mode_t mode) {
    std::string sofar;
    for (const auto& part : std::filesystem::path(path)) {
        sofar = sofar.empty() ? part.string() : (std::filesystem::path(sofar) / part).string();
        if (::mkdir(sofar.c_str(), mode) != 0 && errno != EEXIST && errno != EISDIR) {
            throw_errno("create folder " + sofar);
        }
    }
}

void remove_tree(const std::string& path) {
    std::error_code error;
    std::filesystem::remove_all(path, error); // does not follow symbolic links
    if (error && error != std::errc::no_such_file_or_directory) {
        throw std::system_error(error, "remove " + path);
    }
}

} // namespace mshv::posix
