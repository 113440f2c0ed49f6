// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace mshv::api {

/// One line of the daemon's audit log: who asked for what, and what came of it. Times in UTC.
struct AuditRecord {
    std::string time;          ///< RFC 3339 with milliseconds, of the answer
    std::uint64_t request = 0; ///< the number that the daemon's other log gives it, too
    std::uint32_t uid = 0; ///< as the kernel recorded it when the peer connected, like gid and pid
    std::uint32_t gid = 0;
    std::int64_t pid = 0;
    /// Who logged in, whatever su and sudo made of it since; absent for a service or when the
    /// process has ended.
    std::optional<std::uint32_t> login_uid;
    std::string program; ///< the process' name, which it can choose; empty when it has ended
    std::string method;
    std::string path; ///< decoded
    std::map<std::string, std::string> query;
    /// The request's body; a longer one than audited_body is left out, asked_bytes tells.
    std::string asked;
    std::uint64_t asked_bytes = 0;
    std::uint32_t status = 0; ///< of HTTP
    std::uint64_t took_us = 0;
    std::string error; ///< the error's message; empty when it was none
};

/// Bytes of a body that an audit record holds at most; definitions are in the database, by
/// revision.
constexpr std::uint64_t audited_body = 4096;

} // namespace mshv::api
