// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/audit.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <memory>
#include <string>
#include <sys/types.h>

namespace mshv::app {

/// The file of who asked for what, a line of JSON for each record. Only grows here: whoever rotates
/// it renames it or takes it away, and the next record begins a new one. Thread-safe.
class AuditLog {
public:
    /// Opens `path` to append, made with mode 0640. Throws api::Error when that cannot be.
    explicit AuditLog(std::string path);

    /// Adds time, login_uid and program, and writes one line with one call. Throws
    /// std::system_error when the line is not whole in the file.
    void write(api::AuditRecord& record);

private:
    std::shared_ptr<const posix::Fd> current() MSHV_EXCLUDES(mutex_);

    const std::string path_;
    posix::Mutex mutex_;
    std::shared_ptr<const posix::Fd> file_ MSHV_GUARDED_BY(mutex_);
};

} // namespace mshv::app
