// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/rows.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <chrono>
#include <cstdint>
#include <exception>

namespace mshv::control {

/// Between a job's thread, which tells how far it is, and whoever asks for it or wants it to end.
/// Thread-safe.
class JobLine {
public:
    explicit JobLine(store::JobRow row) : row_(std::move(row)) {}

    // Thrown to the job by look():
    struct Cancelled {}; ///< somebody wants it undone
    struct Detached {};  ///< the daemon ends: the next one goes on with it

    // ---- the job's side ----
    void at(api::JobPhase phase) MSHV_EXCLUDES(mutex_);
    void progress(std::uint64_t done, std::uint64_t total) MSHV_EXCLUDES(mutex_);
    /// Throws when the job shall end.
    void look() MSHV_EXCLUDES(mutex_);
    /// The same, after `span` or as soon as there is something to throw.
    void look_after(std::chrono::milliseconds span) MSHV_EXCLUDES(mutex_);
    /// What comes cannot be cancelled, but the next daemon goes on with it: look() throws Detached
    /// only. Throws Cancelled when somebody was faster.
    void keep_on() MSHV_EXCLUDES(mutex_);
    /// What comes is done in any case: a cancel is refused from here on, and look() never throws.
    /// Throws Cancelled when somebody was faster.
    void commit() MSHV_EXCLUDES(mutex_);
    /// A cancel is under way: look() throws Detached only.
    void undo() MSHV_EXCLUDES(mutex_);
    void finish(const store::JobRow& row) MSHV_EXCLUDES(mutex_);

    // ---- the other side ----
    [[nodiscard]] api::JobView view() MSHV_EXCLUDES(mutex_);
    /// Returns when it has ended or `deadline` has come.
    [[nodiscard]] api::JobView wait(posix::Deadline deadline) MSHV_EXCLUDES(mutex_);
    /// False when it cannot be cancelled any more.
    bool cancel() MSHV_EXCLUDES(mutex_);
    void detach() MSHV_EXCLUDES(mutex_);

private:
    void throw_wishes() MSHV_REQUIRES(mutex_);
    [[nodiscard]] api::JobView view_locked() const MSHV_REQUIRES(mutex_);

    enum class Stage { cancellable, undoing, going_on, committed };
    posix::Mutex mutex_;
    posix::Condition changed_;
    store::JobRow row_ MSHV_GUARDED_BY(mutex_);
    std::uint64_t done_ MSHV_GUARDED_BY(mutex_) = 0;
    std::uint64_t total_ MSHV_GUARDED_BY(mutex_) = 0;
    Stage stage_ MSHV_GUARDED_BY(mutex_) = Stage::cancellable;
    bool cancelling_ MSHV_GUARDED_BY(mutex_) = false;
    bool detached_ MSHV_GUARDED_BY(mutex_) = false;
};

/// The job has failed by `error`.
void set_failed(store::JobRow& row, const api::Error& error);

/// Does what a job is there for. False when that failed or was cancelled, which is then in `row`.
/// Throws JobLine::Detached, and Error{outcome_unknown}: the next daemon finds out.
template <typename Steps>
bool came_through(store::JobRow& row, Steps& steps) {
    try {
        steps();
        return true;
    } catch (const JobLine::Cancelled&) {
        row.state = api::JobState::cancelled;
    } catch (const api::Error& error) {
        if (error.code() == api::ErrorCode::outcome_unknown) {
            throw;
        }
        set_failed(row, error);
    } catch (const std::exception& error) {
        set_failed(row, api::Error(api::ErrorCode::failed, error.what()));
    }
    return false;
}

} // namespace mshv::control
