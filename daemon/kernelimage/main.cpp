// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/elf_note.hpp"
#include "daemon/kernelimage/exit_codes.hpp"
#include "daemon/kernelimage/unpack.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <grp.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

// mshv-kernel-image: the bzImage on descriptor 0, a regular file; the vmlinux goes to descriptor 1,
// an empty regular file open for reading, too. Exit statuses are in exit_codes.hpp.

namespace mshv::kernelimage {
namespace {

constexpr std::uint64_t largest_kernel = std::uint64_t{512} << 20U;

void limit(__rlimit_resource_t resource, rlim_t value) {
    const rlimit both{value, value};
    posix::check(::setrlimit(resource, &both), "setrlimit");
}

/// What a hostile image could make this process do is bounded before a byte of it is read.
void confine() {
    constexpr uid_t nobody = 65534;
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, 120);
    limit(RLIMIT_FSIZE, largest_kernel);
    limit(RLIMIT_NOFILE, 8);
#ifndef __SANITIZE_ADDRESS__
    limit(RLIMIT_AS, std::uint64_t{2} << 30U); // AddressSanitizer's shadow is larger than that
#endif
    if (::geteuid() == 0) {
        posix::check(::setgroups(0, nullptr), "setgroups");
        posix::check(::setresgid(nobody, nobody, nobody), "setresgid");
        posix::check(::setresuid(nobody, nobody, nobody), "setresuid");
        limit(RLIMIT_NPROC, 0);
    }
    posix::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

/// A whole file in memory, read-only.
class Mapping {
public:
    explicit Mapping(int fd) {
        struct stat status {};
        posix::check(::fstat(fd, &status), "fstat");
        size_ = static_cast<std::size_t>(status.st_size);
        if (size_ == 0) {
            return;
        }
        void* start = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
        if (start == MAP_FAILED) {
            posix::throw_errno("mmap");
        }
        start_ = start;
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() {
        if (start_ != nullptr) {
            ::munmap(start_, size_);
        }
    }
    [[nodiscard]] Bytes bytes() const { return {static_cast<const std::byte*>(start_), size_}; }

private:
    void* start_ = nullptr;
    std::size_t size_ = 0;
};

ExitCode run() {
    confine();
    const Mapping image(STDIN_FILENO);
    if (has_pvh_entry(image.bytes())) {
        return ExitCode::already_vmlinux;
    }
    const auto payload = locate_payload(image.bytes());
    if (!payload) {
        return ExitCode::no_bzimage;
    }
    unpack(*payload, largest_kernel, [](Bytes bytes) {
        posix::write_all(STDOUT_FILENO,
                         {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                         posix::Deadline::never(), "write vmlinux");
    });
    const Mapping kernel(STDOUT_FILENO);
    return has_pvh_entry(kernel.bytes()) ? ExitCode::unpacked : ExitCode::no_pvh_entry;
}

} // namespace
} // namespace mshv::kernelimage

int main(int argc, char** argv) {
    using mshv::kernelimage::ExitCode;
    if (argc == 2 && std::string_view(argv[1]) == "--version") {
        std::puts("mshv-kernel-image " MSHV_VERSION);
        return 0;
    }
    try {
        return static_cast<int>(mshv::kernelimage::run());
    } catch (const mshv::kernelimage::CannotUnpack& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return static_cast<int>(ExitCode::damaged);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return static_cast<int>(ExitCode::failed);
    }
}
