// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/job_line.hpp"

namespace mshv::control {

using posix::Deadline;
using posix::Lock;

void JobLine::at(api::JobPhase phase) {
    Lock lock(mutex_);
    row_.phase = phase;
    done_ = total_ = 0;
}

void JobLine::progress(std::uint64_t done, std::uint64_t total) {
    Lock lock(mutex_);
    done_ = done;
    total_ = total;
}

void JobLine::throw_wishes() {
    if (stage_ == Stage::committed) {
        return;
    }
    if (detached_) {
        throw Detached{};
    }
    if (cancelling_ && stage_ == Stage::cancellable) {
        throw Cancelled{};
    }
}

void JobLine::look() {
    Lock lock(mutex_);
    throw_wishes();
}

void JobLine::look_after(std::chrono::milliseconds span) {
    const Deadline deadline = Deadline::after(span);
    Lock lock(mutex_);
    throw_wishes();
    while (!deadline.expired()) { // paces: a VMM is asked again how far it is
        changed_.wait_until(lock, deadline.point());
        throw_wishes();
    }
}

void JobLine::keep_on() {
    Lock lock(mutex_);
    throw_wishes();
    stage_ = Stage::going_on;
}

void JobLine::commit() {
    Lock lock(mutex_);
    throw_wishes();
    stage_ = Stage::committed;
    row_.phase = api::JobPhase::ending;
    done_ = total_ = 0;
}

void JobLine::undo() {
    Lock lock(mutex_);
    stage_ = Stage::undoing;
}

void JobLine::finish(const store::JobRow& row) {
    Lock lock(mutex_);
    row_ = row;
    changed_.notify_all();
}

api::JobView JobLine::view_locked() const {
    api::JobView view;
    view.id = row_.id;
    view.kind = row_.kind;
    view.state = row_.state;
    view.phase = row_.phase;
    view.name = row_.name;
    view.uuid = row_.uuid;
    view.path = row_.path;
    view.managed = row_.managed;
    view.actor = row_.actor;
    view.started_ms = row_.started_ms;
    view.ended_ms = row_.ended_ms;
    view.done = static_cast<std::int64_t>(done_);
    view.total = static_cast<std::int64_t>(total_);
    view.cancelling = cancelling_ && row_.state == api::JobState::running;
    view.error = row_.error;
    view.message = row_.message;
    view.hint = row_.hint;
    return view;
}

api::JobView JobLine::view() {
    Lock lock(mutex_);
    return view_locked();
}

api::JobView JobLine::wait(Deadline deadline) {
    Lock lock(mutex_);
    while (row_.state == api::JobState::running && !detached_ && !deadline.expired()) {
        changed_.wait_until(lock, deadline.point());
    }
    return view_locked();
}

bool JobLine::cancel() {
    Lock lock(mutex_);
    if (row_.state != api::JobState::running || stage_ == Stage::going_on ||
        stage_ == Stage::committed) {
        return false;
    }
    cancelling_ = true;
    changed_.notify_all();
    return true;
}

void JobLine::detach() {
    Lock lock(mutex_);
    detached_ = true;
    changed_.notify_all();
}

void set_failed(store::JobRow& row, const api::Error& error) {
    row.state = api::JobState::failed;
    row.error = api::error_info(error.code()).name;
    row.message = error.message();
    row.hint = error.hint();
}

} // namespace mshv::control
