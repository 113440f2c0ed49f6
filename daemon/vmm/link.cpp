// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/link.hpp"

#include "daemon/vmm/keeper_text.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace mshv::vmm {

KeeperGone::KeeperGone(const std::string& why)
    : api::Error(api::ErrorCode::failed, "The partition's keeper is gone: " + why,
                 "the daemon ends what it left behind; see 'mshvctl events'") {}

// Not a timed mutex: ThreadSanitizer of g++ 12 does not know how one is locked.
class KeeperLink::Turn {
public:
    Turn(KeeperLink& link, Deadline deadline) : link_(link) {
        posix::Lock lock(link_.mutex_);
        while (link_.writing_ && !deadline.expired()) {
            link_.changed_.wait_until(lock, deadline.point());
        }
        came_ = !link_.writing_;
        link_.writing_ = true;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        if (came_) {
            const posix::Lock lock(link_.mutex_);
            link_.writing_ = false;
            link_.changed_.notify_all();
        }
    }
    /// False when somebody else wrote until the deadline.
    [[nodiscard]] bool came() const { return came_; }

private:
    KeeperLink& link_;
    bool came_ = false;
};

class KeeperLink::CallGuard {
public:
    CallGuard(KeeperLink& link, std::int64_t id) : link_(link), id_(id) {}
    CallGuard(const CallGuard&) = delete;
    CallGuard& operator=(const CallGuard&) = delete;
    CallGuard(CallGuard&&) = delete;
    CallGuard& operator=(CallGuard&&) = delete;
    ~CallGuard() {
        const posix::Lock lock(link_.mutex_);
        link_.calls_.erase(id_);
    }

private:
    KeeperLink& link_;
    std::int64_t id_;
};

KeeperLink::KeeperLink(api::Uuid uuid, std::string incarnation, std::string run_dir, Fd socket,
                       posix::PidFd keeper, bool child, Intake intake)
    : uuid_(uuid), incarnation_(std::move(incarnation)), run_dir_(std::move(run_dir)),
      socket_(std::move(socket)), keeper_(std::move(keeper)), child_(child), intake_(intake) {}

keeper::Message KeeperLink::call(keeper::Message request, std::span<const int> fds,
                                 Deadline deadline) {
    auto call = std::make_shared<Call>(); // shared: answered by the hub after a caller left
    std::int64_t id = 0;
    {
        const posix::Lock lock(mutex_);
        if (!lost_why_.empty()) {
            throw KeeperGone(lost_why_);
        }
        id = next_call_++;
        calls_.emplace(id, call);
    }
    const CallGuard guard(*this, id);
    request.set("id", id);
    {
        const Turn turn(*this, deadline);
        if (!turn.came()) {
            throw posix::TimedOut("the keeper does not read");
        }
        try {
            posix::send_with_fds(socket_.get(), keeper::encode(request), fds, deadline);
        } catch (const posix::TimedOut&) {
            // Half a line may be out: nothing that follows would be understood.
            const posix::Lock lock(mutex_);
            lost_why_ = "it stopped reading";
            throw;
        } catch (const std::system_error& error) {
            if (error.code().value() == EPIPE || error.code().value() == ECONNRESET) {
                throw KeeperGone(error.what());
            }
            throw api::Error(api::ErrorCode::failed,
                             std::string("Cannot write to the partition's keeper: ") +
                                 error.what());
        }
    }
    posix::Lock lock(mutex_);
    for (;;) {
        if (auto& answer = call->answer; answer) {
            return std::move(*answer);
        }
        if (!lost_why_.empty()) {
            throw KeeperGone(lost_why_);
        }
        if (deadline.expired()) {
            throw posix::TimedOut("the keeper did not answer");
        }
        changed_.wait_until(lock, deadline.point());
    }
}

keeper::Message KeeperLink::ask(keeper::Message request, std::string_view what, Deadline deadline,
                                std::span<const int> fds) {
    try {
        const keeper::Message answer = call(std::move(request), fds, deadline);
        if (answer.word != "ok") {
            throw to_error(answer, what);
        }
        return answer;
    } catch (const posix::TimedOut& late) {
        throw api::Error(api::ErrorCode::timeout,
                         "Cannot " + std::string(what) + " in the time allowed: " + late.what(),
                         "try again with a longer --timeout; 'mshvctl destroy' always works");
    } catch (const keeper::ProtocolError& error) {
        throw api::Error(api::ErrorCode::failed,
                         "Cannot " + std::string(what) +
                             ": the keeper's answer is malformed: " + error.what());
    }
}

void KeeperLink::tell(const keeper::Message& message) {
    try {
        const auto soon = Deadline::after(std::chrono::seconds(1));
        const Turn turn(*this, soon);
        if (turn.came() && !lost()) {
            posix::send_with_fds(socket_.get(), keeper::encode(message), {}, soon);
        }
    } catch (const std::exception&) { // NOLINT: the hub sees the end of the connection itself
    }
}

std::optional<posix::ProcessIdentity> KeeperLink::vmm() const {
    const posix::Lock lock(mutex_);
    return vmm_;
}

void KeeperLink::set_vmm(std::optional<posix::ProcessIdentity> vmm) {
    const posix::Lock lock(mutex_);
    vmm_ = vmm;
}

bool KeeperLink::lost() const {
    const posix::Lock lock(mutex_);
    return !lost_why_.empty();
}

KeeperEvent KeeperLink::wait_started(Deadline deadline) {
    using Kind = KeeperEvent::Kind;
    const auto decides = [](const KeeperEvent& event) {
        return event.kind == Kind::ready || event.kind == Kind::vmm_exited ||
               event.kind == Kind::finished;
    };
    posix::Lock lock(mutex_);
    for (;;) {
        const auto found = std::find_if(kept_.begin(), kept_.end(), decides);
        if (found != kept_.end()) {
            return *found;
        }
        if (!lost_why_.empty()) {
            throw KeeperGone(lost_why_);
        }
        if (deadline.expired()) {
            throw posix::TimedOut("the VMM did not answer");
        }
        changed_.wait_until(lock, deadline.point());
    }
}

void KeeperLink::end_launch() {
    const posix::Lock lock(mutex_);
    intake_ = Intake::live;
    kept_.clear();
}

std::vector<KeeperEvent> KeeperLink::collect(std::int64_t last, Deadline deadline) {
    posix::Lock lock(mutex_);
    while (last_seq_ < last && lost_why_.empty()) {
        if (deadline.expired()) {
            throw posix::TimedOut("the keeper did not repeat its events");
        }
        changed_.wait_until(lock, deadline.point());
    }
    std::vector<KeeperEvent> missed;
    for (auto& event : kept_) {
        (event.seq <= last ? missed : held_).push_back(std::move(event));
    }
    kept_.clear();
    intake_ = Intake::live;
    // While anything is held, newer events queue up behind it.
    hold_until_ = !missed.empty() ? missed.back().seq : held_.empty() ? 0 : last + 1;
    return missed;
}

bool KeeperLink::release_held(std::int64_t acknowledged) {
    const posix::Lock lock(mutex_);
    return hold_until_ != 0 && acknowledged >= hold_until_;
}

bool KeeperLink::set_released(bool released) {
    const posix::Lock lock(mutex_);
    released_ = released;
    return !gone_;
}

bool KeeperLink::released() const {
    const posix::Lock lock(mutex_);
    return released_;
}

void remove_run_folder(const std::string& run_dir) {
    MSHV_CRASHPOINT("vmm.run_folder.before_remove");
    posix::remove_tree(run_dir);
    MSHV_CRASHPOINT("vmm.run_folder.after_remove");
    // Fails as it should while another incarnation stands in it.
    ::rmdir(run_dir.substr(0, run_dir.rfind('/')).c_str());
}

} // namespace mshv::vmm
