// SPDX-License-Identifier: Apache-2.0
#include "daemon/kernelimage/kernel_image.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cstdint>
#include <cstdio>
#include <exception>
#include <grp.h>
#include <span>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

// mshv-kernel-image: the bzImage on descriptor 0, a regular file; the vmlinux goes to descriptor 1,
// an empty file. The exit status is a Verdict (kernel_image.hpp).

namespace mshv::kernelimage {
namespace {

// A sanitizer's shadow is larger than any sensible limit, and it starts a thread to look for leaks.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

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
    if constexpr (!sanitized) {
        limit(RLIMIT_AS, std::uint64_t{2} << 30U);
    }
    if (::geteuid() == 0) {
        posix::check(::setgroups(0, nullptr), "setgroups");
        posix::check(::setresgid(nobody, nobody, nobody), "setresgid");
        posix::check(::setresuid(nobody, nobody, nobody), "setresuid");
        if constexpr (!sanitized) {
            limit(RLIMIT_NPROC, 0);
        }
    }
    posix::check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

/// Memory by mmap: a whole file, or room that costs only what is written to it.
class Mapping {
public:
    static Mapping of_file(int fd) {
        struct stat status {};
        posix::check(::fstat(fd, &status), "fstat");
        if (status.st_size <= 0) {
            throw Rejected(Verdict::not_a_kernel, "the file is empty or no regular file");
        }
        return {static_cast<std::size_t>(status.st_size), PROT_READ, MAP_PRIVATE, fd};
    }
    static Mapping room(std::size_t size) {
        return {size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1};
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    Mapping(Mapping&&) = delete;
    Mapping& operator=(Mapping&&) = delete;
    ~Mapping() { ::munmap(start_, size_); }
    [[nodiscard]] std::span<unsigned char> bytes() const {
        return {static_cast<unsigned char*>(start_), size_};
    }

private:
    Mapping(std::size_t size, int protection, int flags, int fd)
        : start_(::mmap(nullptr, size, protection, flags, fd, 0)), size_(size) {
        if (start_ == MAP_FAILED) {
            posix::throw_errno("mmap");
        }
    }
    void* start_;
    std::size_t size_;
};

void run() {
    confine();
    const Mapping file = Mapping::of_file(STDIN_FILENO);
    const Bytes image = file.bytes();
    if (looks_like_elf(image)) {
        has_pvh_note(image) ? throw Rejected(Verdict::is_vmlinux, "it is a vmlinux already")
                            : throw Rejected(Verdict::no_pvh_note, "built without CONFIG_PVH");
    }
    const Mapping room = Mapping::room(largest_kernel);
    const std::size_t size = unpack(payload_of(image), room.bytes());
    const Bytes kernel = room.bytes().first(size);
    if (!has_pvh_note(kernel)) {
        throw Rejected(Verdict::no_pvh_note, "the kernel was built without CONFIG_PVH");
    }
    posix::write_all(STDOUT_FILENO, {reinterpret_cast<const char*>(kernel.data()), kernel.size()},
                     posix::Deadline::never(), "write vmlinux");
}

} // namespace
} // namespace mshv::kernelimage

int main(int argc, char** argv) {
    using mshv::kernelimage::Verdict;
    if (argc == 2 && std::string_view(argv[1]) == "--version") {
        std::puts("mshv-kernel-image " MSHV_VERSION);
        return 0;
    }
    try {
        mshv::kernelimage::run();
        return static_cast<int>(Verdict::unpacked);
    } catch (const mshv::kernelimage::Rejected& rejected) {
        std::fprintf(stderr, "%s\n", rejected.what());
        return static_cast<int>(rejected.verdict());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return static_cast<int>(Verdict::io_error);
    }
}
