// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/journal.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace mshv::keeper {

using posix::Deadline;

std::int64_t wall_clock_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Journal::Journal(const LaunchSpec& spec)
    : run_dir_(spec.run_dir), nonce_(spec.nonce), name_(spec.name), uuid_(spec.uuid),
      boot_id_(posix::boot_id()),
      keeper_(posix::identify_process(::getpid()).value_or(posix::ProcessIdentity{::getpid(), 0})),
      file_(posix::open_file(run_dir_ + "/" + events_file,
                             O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW)) {}

const std::string& Journal::append(Message event, bool durable) {
    ++last_seq_;
    Message numbered("event");
    numbered.set("seq", last_seq_).set("at_ms", wall_clock_ms());
    std::move(event.fields.begin(), event.fields.end(), std::back_inserter(numbered.fields));
    kept_.push_back({last_seq_, encode(numbered)});
    if (kept_.size() > most_kept) {
        kept_.pop_front();
    }
    write(kept_.back().text, durable);
    return kept_.back().text;
}

void Journal::write(const std::string& line, bool durable) {
    try {
        MSHV_CRASHPOINT("keeper.event.before_write");
        if (file_size_ + line.size() > largest_file) {
            compact();
        }
        posix::write_all(file_.get(), line, Deadline::never(), "write events");
        file_size_ += line.size();
        if (durable) {
            ::fdatasync(file_.get());
        }
        MSHV_CRASHPOINT("keeper.event.after_write");
    } catch (const std::exception&) {
        // A full run folder: the event still goes out over the socket, and again after `hello`.
        return;
    }
}

/// Leaves only what no daemon has recorded yet, but never more than half of the bound.
void Journal::compact() {
    std::size_t size = 0;
    auto first = kept_.end();
    while (first != kept_.begin() && size + std::prev(first)->text.size() <= largest_file / 2) {
        --first;
        size += first->text.size();
    }
    std::string content;
    content.reserve(size);
    for (auto line = first; line != kept_.end(); ++line) {
        if (line->seq != last_seq_) { // the newest is what is about to be written
            content += line->text;
        }
    }
    const std::string path = run_dir_ + "/" + events_file;
    posix::replace_file(path, content);
    file_ = posix::open_file(path, O_WRONLY | O_APPEND | O_NOFOLLOW);
    file_size_ = content.size();
}

void Journal::acknowledge(std::int64_t seq) {
    acknowledged_ = std::max(acknowledged_, std::min(seq, last_seq_));
    while (!kept_.empty() && kept_.front().seq <= acknowledged_) {
        kept_.pop_front();
    }
}

std::int64_t Journal::lost_since(std::int64_t since) const {
    const std::int64_t oldest = kept_.empty() ? last_seq_ + 1 : kept_.front().seq;
    return std::max<std::int64_t>(0, oldest - 1 - std::max(since, acknowledged_));
}

void Journal::write_state(std::int64_t generation,
                          const std::optional<posix::ProcessIdentity>& vmm) {
    Message state("state");
    state.set("keeper_pid", keeper_.pid)
        .set("keeper_ticks", static_cast<std::int64_t>(keeper_.start_ticks));
    if (vmm) {
        state.set("vmm_pid", vmm->pid)
            .set("vmm_ticks", static_cast<std::int64_t>(vmm->start_ticks));
    }
    state.set("generation", generation)
        .set("boot_id", boot_id_)
        .set("nonce", nonce_)
        .set("name", name_)
        .set("uuid", uuid_);
    MSHV_CRASHPOINT("keeper.state.before_write");
    posix::replace_file(run_dir_ + "/" + state_file, encode(state));
    MSHV_CRASHPOINT("keeper.state.after_write");
}

void Journal::write_exit(const Message& record) {
    try {
        MSHV_CRASHPOINT("keeper.exit.before_write");
        posix::replace_file(run_dir_ + "/" + exit_file, encode(record));
        MSHV_CRASHPOINT("keeper.exit.after_write");
    } catch (const std::exception&) {
        return; // as above: the event says the same
    }
}

} // namespace mshv::keeper
