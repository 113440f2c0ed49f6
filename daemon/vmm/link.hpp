// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/protocol.hpp"
#include "daemon/vmm/vmm.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::vmm {

/// The other end of the connection is closed. Who asks may learn it before the hub does.
class KeeperGone : public api::Error {
public:
    explicit KeeperGone(const std::string& why);
};

/// Where the events of a keeper go.
enum class Intake {
    launching, ///< to the sink, and kept for who waits for the VMM to answer
    adopting,  ///< kept for who adopts
    live,      ///< to the sink
};

/// The daemon's end of one keeper: its socket, the calls that wait for an answer, and what is known
/// of its processes. Thread-safe. Shared by the hub's thread, which alone reads, and a VmmProcess,
/// whose callers write and wait.
class KeeperLink {
public:
    /// `child`: the keeper was started by this process, which must reap it.
    KeeperLink(api::Uuid uuid, std::string incarnation, std::string run_dir, Fd socket,
               posix::PidFd keeper, bool child, Intake intake);

    /// Sends a request and waits for its answer, an `ok` or an `error`. Throws posix::TimedOut at
    /// the deadline, KeeperGone, and api::Error{failed} when it cannot be sent.
    keeper::Message call(keeper::Message request, std::span<const int> fds, Deadline deadline);
    /// The answer must be `ok`; an `error` is thrown with `what` as its subject, as is a time-out.
    keeper::Message ask(keeper::Message request, std::string_view what, Deadline deadline,
                        std::span<const int> fds = {});
    /// Sends without waiting for an answer; a keeper that does not read loses it.
    void tell(const keeper::Message& message);

    [[nodiscard]] const api::Uuid& uuid() const { return uuid_; }
    [[nodiscard]] const std::string& incarnation() const { return incarnation_; }
    [[nodiscard]] const std::string& run_dir() const { return run_dir_; }
    [[nodiscard]] const posix::PidFd& keeper() const { return keeper_; }
    /// The VMM that ran last, as far as its keeper told.
    [[nodiscard]] std::optional<posix::ProcessIdentity> vmm() const;
    void set_vmm(std::optional<posix::ProcessIdentity> vmm);
    /// The connection has ended.
    [[nodiscard]] bool lost() const;

    /// A launch waits for its VMM: the first `ready` or `vmm_exited`. Throws posix::TimedOut, and
    /// KeeperGone when the keeper died first.
    KeeperEvent wait_started(Deadline deadline);
    /// From now on events go to the sink only.
    void end_launch();
    /// All events up to `last`, which the keeper replays after `hello`. Newer ones are held back
    /// until release_held(last) when there are any.
    std::vector<KeeperEvent> collect(std::int64_t last, Deadline deadline);
    /// True when events that were held back may go now.
    bool release_held(std::int64_t acknowledged);

    /// The keeper may leave: its end is no loss, and the run folder goes with it. False when it has
    /// left already, so that the caller removes the folder.
    bool set_released(bool released);
    [[nodiscard]] bool released() const;

private:
    friend class Hub;
    struct Call {
        std::optional<keeper::Message> answer;
    };
    /// Gives up a call however its wait ends.
    class CallGuard;
    /// The right to write, over a whole message.
    class Turn;

    const api::Uuid uuid_;
    const std::string incarnation_;
    const std::string run_dir_;
    const Fd socket_;
    const posix::PidFd keeper_;
    const bool child_;

    mutable posix::Mutex mutex_;
    posix::Condition changed_;
    // A call is shared since it may be answered after its caller left.
    std::map<std::int64_t, std::shared_ptr<Call>> calls_ MSHV_GUARDED_BY(mutex_);
    std::int64_t next_call_ MSHV_GUARDED_BY(mutex_) = 1;
    bool writing_ MSHV_GUARDED_BY(mutex_) = false; ///< somebody has the turn
    std::string lost_why_ MSHV_GUARDED_BY(mutex_); ///< not empty: no connection any more
    bool finished_ MSHV_GUARDED_BY(mutex_) = false;
    bool released_ MSHV_GUARDED_BY(mutex_) = false;
    /// The keeper has ended and what it left has been dealt with.
    bool gone_ MSHV_GUARDED_BY(mutex_) = false;
    std::optional<posix::ProcessIdentity> vmm_ MSHV_GUARDED_BY(mutex_);
    std::int64_t generation_ MSHV_GUARDED_BY(mutex_) = 0;
    std::int64_t last_seq_ MSHV_GUARDED_BY(mutex_) = 0;
    Intake intake_ MSHV_GUARDED_BY(mutex_);
    std::int64_t hold_until_ MSHV_GUARDED_BY(mutex_) = 0;   ///< 0 = nothing is held back
    std::vector<KeeperEvent> kept_ MSHV_GUARDED_BY(mutex_); ///< launching, adopting
    std::vector<KeeperEvent> held_ MSHV_GUARDED_BY(mutex_);

    // Of the hub alone.
    std::uint64_t token_ = 0;
    keeper::LineBuffer lines_;
    bool connected_ = true;
    std::optional<posix::PidFd> doomed_; ///< a dead keeper's VMM: killed, its end is awaited
    std::optional<Deadline> give_up_;
};

/// Removes a run folder and its parent when that is empty. Idempotent.
void remove_run_folder(const std::string& run_dir);

} // namespace mshv::vmm
