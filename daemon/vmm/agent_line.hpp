// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <string>

namespace mshv::vmm {

/// Who may talk with a guest's agent: one at a time, and a shutdown at once. Thread-safe; the lock
/// is never held over input or output.
class AgentLine {
public:
    /// The right to talk, for a scope. The line outlives it.
    class Turn {
    public:
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn();

        /// The socket that is shut down when the line is taken away; -1 before it is closed.
        void uses(int socket);
        /// Throws Error{busy} when it was taken away.
        void check() const;

    private:
        friend class AgentLine;
        explicit Turn(AgentLine& line) : line_(line) {}
        AgentLine& line_;
    };

    /// Waits until `patience` for who talks; throws Error{busy} naming it.
    [[nodiscard]] Turn take(const std::string& who, posix::Deadline patience);
    /// Takes it from whoever has it; throws Error{timeout} when that does not let go.
    [[nodiscard]] Turn seize(const std::string& who, posix::Deadline deadline);
    /// Ends the talk that goes on.
    void cut();

private:
    void cut_locked() MSHV_REQUIRES(mutex_);

    mutable posix::Mutex mutex_;
    posix::Condition freed_;
    std::string holder_ MSHV_GUARDED_BY(mutex_); ///< empty = nobody
    std::string cut_by_ MSHV_GUARDED_BY(mutex_); ///< not empty: the holder has lost it
    int socket_ MSHV_GUARDED_BY(mutex_) = -1;
    std::size_t seizing_ MSHV_GUARDED_BY(mutex_) = 0; ///< these come first
};

} // namespace mshv::vmm
