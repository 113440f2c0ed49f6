// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::api {

/// Every way in which a request can fail. The table in error.cpp gives each its wire name, HTTP
/// status and exit status; the exit statuses are stable and documented in mshvctl(1).
enum class ErrorCode {
    failed,          ///< the operation was tried and failed
    usage,           ///< the request itself is malformed
    not_found,       ///< no such partition or object
    exists,          ///< name, UUID or resource in use
    wrong_state,     ///< not possible in the partition's present state
    invalid,         ///< the configuration is not valid
    unsupported,     ///< this VMM, accelerator, hypervisor or release cannot do it
    busy,            ///< another operation on the partition runs; details say which, since when, whose
    timeout,         ///< not done within the time allowed
    unreachable,     ///< the daemon does not answer
    denied,          ///< the caller's role does not allow it
    no_resource,     ///< memory, disk space, descriptors, VM uid … exhausted
    partial,         ///< some targets of a multi-target command failed
    interrupted,     ///< the client stopped waiting; the operation goes on
    outcome_unknown, ///< a commit failed: whether the change is durable is only known after restart
};

struct ErrorInfo {
    ErrorCode code;
    std::string_view name; ///< on the wire and in messages, e.g. "not_found"
    int http_status;
    int exit_status;
};

/// One row for each ErrorCode, in the enum's order.
std::span<const ErrorInfo> error_table();
const ErrorInfo& error_info(ErrorCode code);
std::optional<ErrorCode> error_code_of(std::string_view name);

/// One fault of several: where, what, and what to do.
struct Problem {
    std::string code;    ///< E-ENUM, E-MISSING …; empty where there is none
    std::string where;   ///< XPath or JSON path
    std::string message; ///< what is wrong
    std::string hint;    ///< what to do; may be empty
    std::string file;    ///< source file, empty when not from a file
    long line = 0;       ///< 1-based; 0 = unknown
    long column = 0;     ///< 1-based, in bytes; 0 = unknown
    long length = 0;     ///< bytes to underline
    bool warning = false;

    bool operator==(const Problem&) const = default;
};

/// The one exception of the project above libs/posix. `what()` is the message: what failed and on
/// what, without a full stop. `hint` is what the user can do.
class Error : public std::exception {
public:
    Error(ErrorCode code, std::string message, std::string hint = {})
        : code_(code), message_(std::move(message)), hint_(std::move(hint)) {}

    [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
    [[nodiscard]] ErrorCode code() const { return code_; }
    [[nodiscard]] const std::string& message() const { return message_; }
    [[nodiscard]] const std::string& hint() const { return hint_; }
    [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }
    [[nodiscard]] const std::vector<std::string>& causes() const { return causes_; }

    Error& with_problems(std::vector<Problem> problems) {
        problems_ = std::move(problems);
        return *this;
    }
    /// Adds what lay below, outermost first (an errno text, a VMM's own message).
    Error& because(std::string cause) {
        causes_.push_back(std::move(cause));
        return *this;
    }

private:
    ErrorCode code_;
    std::string message_;
    std::string hint_;
    std::vector<Problem> problems_;
    std::vector<std::string> causes_;
};

} // namespace mshv::api
