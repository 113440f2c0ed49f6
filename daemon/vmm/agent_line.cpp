// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/agent_line.hpp"

#include "toolstack/libs/api/error.hpp"

#include <sys/socket.h>

namespace mshv::vmm {

using api::Error;
using api::ErrorCode;

AgentLine::Turn::~Turn() {
    const posix::Lock lock(line_.mutex_);
    line_.holder_.clear();
    line_.cut_by_.clear();
    line_.socket_ = -1;
    line_.freed_.notify_all();
}

void AgentLine::Turn::uses(int socket) {
    const posix::Lock lock(line_.mutex_);
    line_.socket_ = socket;
    if (socket >= 0 && !line_.cut_by_.empty()) {
        line_.cut_locked();
    }
}

void AgentLine::Turn::check() const {
    const posix::Lock lock(line_.mutex_);
    if (!line_.cut_by_.empty()) {
        throw Error(ErrorCode::busy, "The guest agent was taken away for " + line_.cut_by_);
    }
}

AgentLine::Turn AgentLine::take(const std::string& who, posix::Deadline patience) {
    posix::Lock lock(mutex_);
    while (!holder_.empty() || seizing_ > 0) {
        if (patience.expired()) {
            throw Error(ErrorCode::busy,
                        "The guest agent answers another: " +
                            (holder_.empty() ? std::string("a shutdown") : holder_),
                        "try again, or wait with --wait-busy");
        }
        freed_.wait_until(lock, patience.point());
    }
    holder_ = who;
    return Turn(*this);
}

AgentLine::Turn AgentLine::seize(const std::string& who, posix::Deadline deadline) {
    posix::Lock lock(mutex_);
    ++seizing_;
    while (!holder_.empty()) {
        if (cut_by_.empty()) {
            cut_by_ = who;
        }
        cut_locked();
        if (deadline.expired()) {
            --seizing_;
            throw Error(ErrorCode::timeout, "The guest agent is not let go by " + holder_);
        }
        freed_.wait_until(lock, deadline.point());
    }
    --seizing_;
    holder_ = who;
    return Turn(*this);
}

void AgentLine::cut() {
    const posix::Lock lock(mutex_);
    if (!holder_.empty() && cut_by_.empty()) {
        cut_by_ = "mshvd's end";
    }
    cut_locked();
}

/// The descriptor is open: its owner takes it back before it closes it.
void AgentLine::cut_locked() {
    if (socket_ >= 0) {
        (void)::shutdown(socket_, SHUT_RDWR);
    }
}

} // namespace mshv::vmm
