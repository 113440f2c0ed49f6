// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/audit.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace mshv::app {
namespace {

std::shared_ptr<const posix::Fd> open_to_append(const std::string& path) {
    return std::make_shared<const posix::Fd>(
        posix::open_file(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0640));
}

/// Whether `path` still leads to the file that is open.
bool is_at(const std::string& path, int file) {
    struct stat there {
    }, open{};
    return ::lstat(path.c_str(), &there) == 0 && ::fstat(file, &open) == 0 &&
           there.st_dev == open.st_dev && there.st_ino == open.st_ino;
}

std::string utc_now() {
    using namespace std::chrono;
    const auto now = system_clock::now();
    const auto milliseconds = duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    const std::time_t seconds = system_clock::to_time_t(now);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    char fraction[8];
    std::snprintf(fraction, sizeof(fraction), ".%03dZ",
                  static_cast<int>(milliseconds.count() % 1000));
    return std::string(text, length) + fraction;
}

/// A small file of /proc/PID without its newline; empty when the process has ended.
std::string of_process(std::int64_t pid, const char* name) {
    constexpr std::size_t most = 4096;
    try {
        std::string text = posix::read_file("/proc/" + std::to_string(pid) + "/" + name, most);
        while (!text.empty() && text.back() == '\n') {
            text.pop_back();
        }
        return text;
    } catch (const std::system_error&) {
        return {};
    }
}

std::optional<std::uint32_t> login_uid(std::int64_t pid) {
    const std::string text = of_process(pid, "loginuid");
    std::uint32_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    // The kernel's word for nobody is -1.
    const bool known = fault == std::errc() && end == text.data() + text.size() &&
                       value != std::numeric_limits<std::uint32_t>::max();
    return known ? std::optional(value) : std::nullopt;
}

} // namespace

AuditLog::AuditLog(std::string path) : path_(std::move(path)) {
    try {
        file_ = open_to_append(path_);
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::failed, "cannot open the audit log " + path_,
                         "audit = false under [log] in mshvd.toml goes without it")
            .because(error.code().message());
    }
}

std::shared_ptr<const posix::Fd> AuditLog::current() {
    std::shared_ptr<const posix::Fd> file;
    {
        const posix::Lock lock(mutex_);
        file = file_;
    }
    if (is_at(path_, file->get())) {
        return file;
    }
    // Two that come here at once append to the same new file.
    file = open_to_append(path_);
    const posix::Lock lock(mutex_);
    file_ = file;
    return file;
}

void AuditLog::write(api::AuditRecord& record) {
    record.time = utc_now();
    record.login_uid = login_uid(record.pid);
    record.program = of_process(record.pid, "comm");
    std::string line;
    api::encode(record, line);
    line += '\n';
    const auto file = current();
    const ssize_t written = ::write(file->get(), line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) {
        return;
    }
    const int why = written < 0 ? errno : ENOSPC;
    if (written > 0) {
        // So that the next record begins a line of its own; where that fails, too, it does not.
        [[maybe_unused]] const ssize_t ended = ::write(file->get(), "\n", 1);
    }
    errno = why;
    posix::throw_errno("write " + path_);
}

} // namespace mshv::app
