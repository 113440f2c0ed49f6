// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/hub.hpp"

#include "daemon/vmm/keeper_text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>

namespace mshv::vmm {
namespace {

using Kind = KeeperEvent::Kind;

/// How long a killed VMM may take before its loss is reported although it still stands there.
constexpr auto vmm_grace = std::chrono::seconds(10);
constexpr std::uint64_t source_bits = 2;

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

} // namespace

Hub::Hub(Log log)
    : log_(std::move(log)), epoll_(posix::check(::epoll_create1(EPOLL_CLOEXEC), "create epoll")) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = wakeup_data;
    posix::check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.fd(), &event), "watch eventfd");
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Hub::~Hub() {
    thread_.request_stop();
    wakeup_.signal();
}

void Hub::set_sink(VmmHost::EventSink sink) {
    const posix::Lock lock(mutex_);
    sink_ = std::move(sink);
}

void Hub::add(const std::shared_ptr<KeeperLink>& link) {
    {
        const posix::Lock lock(mutex_);
        link->token_ = next_token_++;
        links_.emplace(link->token_, link);
    }
    watch(link->socket_.get(), link->token_, Source::socket);
    watch(link->keeper_.fd(), link->token_, Source::keeper);
}

void Hub::remove(const KeeperLink& link) {
    const posix::Lock lock(mutex_);
    if (links_.erase(link.token_) != 0) {
        unwatch(link.socket_.get());
        unwatch(link.keeper_.fd());
    }
}

void Hub::flush(const KeeperLink& link) {
    {
        const posix::Lock lock(mutex_);
        flush_.push_back(link.token_);
    }
    wakeup_.signal();
}

void Hub::watch(int fd, std::uint64_t token, Source source) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = token << source_bits | static_cast<std::uint64_t>(source);
    posix::check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "watch descriptor");
}

void Hub::unwatch(int fd) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::shared_ptr<KeeperLink> Hub::find(std::uint64_t token) {
    const posix::Lock lock(mutex_);
    const auto found = links_.find(token);
    return found == links_.end() ? nullptr : found->second;
}

void Hub::run(const std::stop_token& stop) {
    std::array<epoll_event, 64> ready{};
    while (!stop.stop_requested()) {
        const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), timeout());
        for (int i = 0; i < count; ++i) {
            try {
                handle(ready[static_cast<std::size_t>(i)].data.u64);
            } catch (const std::exception& error) {
                // One keeper's trouble must not end the thread that serves them all.
                log_(std::string("Trouble with a keeper: ") + error.what());
            }
        }
        try {
            check_timers();
        } catch (const std::exception& error) {
            log_(std::string("Trouble with a keeper: ") + error.what());
        }
    }
}

void Hub::handle(std::uint64_t data) {
    if (data == wakeup_data) {
        wakeup_.drain();
        flush_pending();
        return;
    }
    const auto link = find(data >> source_bits);
    if (!link) {
        return; // removed meanwhile
    }
    switch (static_cast<Source>(data & ((1U << source_bits) - 1))) {
    case Source::socket:
        readable(*link);
        break;
    case Source::keeper:
        keeper_ended(link);
        break;
    case Source::vmm:
        if (const auto& doomed = link->doomed_; doomed) {
            unwatch(doomed->fd());
            report_loss(*link, "its keeper died, so its VMM has been ended");
        }
        break;
    }
}

void Hub::readable(KeeperLink& link) {
    std::array<char, 65536> buffer; // NOLINT: filled by recv
    const ssize_t got = ::recv(link.socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        cut(link, got == 0 ? "it closed its connection" : std::generic_category().message(errno));
        return;
    }
    try {
        link.lines_.append({buffer.data(), static_cast<std::size_t>(got)});
        while (const auto line = link.lines_.next()) {
            take_line(link, *line);
        }
    } catch (const keeper::ProtocolError& error) {
        cut(link, std::string("it broke its protocol: ") + error.what());
        // A keeper that cannot be understood cannot be trusted with a guest either.
        link.keeper_.signal(SIGKILL);
    }
}

void Hub::take_line(KeeperLink& link, const std::string& text) {
    const keeper::Message line = keeper::decode(text);
    if (line.word == "event") {
        if (const auto event = to_event(line)) {
            take_event(link, *event);
        }
        return;
    }
    if (line.word != "ok" && line.word != "error") {
        return; // `superseded`, or a word of a newer keeper
    }
    const auto id = line.number("id");
    const posix::Lock lock(link.mutex_);
    const auto call = id ? link.calls_.find(*id) : link.calls_.end();
    if (call != link.calls_.end()) {
        call->second->answer = line;
        link.changed_.notify_all();
    }
}

void Hub::take_event(KeeperLink& link, const KeeperEvent& event) {
    {
        const posix::Lock lock(link.mutex_);
        if (event.seq <= link.last_seq_) {
            return; // once is enough
        }
        link.last_seq_ = event.seq;
        link.generation_ = event.generation;
        if (event.kind == Kind::vmm_started) {
            link.vmm_ = event.vmm;
        } else if (event.kind == Kind::vmm_exited) {
            link.vmm_.reset();
        } else if (event.kind == Kind::finished) {
            link.finished_ = true;
        }
        if (link.intake_ != Intake::live) {
            link.kept_.push_back(event);
            link.changed_.notify_all();
        }
        if (link.intake_ == Intake::adopting) {
            return;
        }
        if (link.hold_until_ != 0) {
            link.held_.push_back(event);
            return;
        }
    }
    deliver(link, {event});
}

void Hub::deliver(KeeperLink& link, const std::vector<KeeperEvent>& events) {
    VmmHost::EventSink sink;
    {
        const posix::Lock lock(mutex_);
        sink = sink_;
    }
    for (const auto& event : events) {
        if (sink) {
            sink(link.uuid_, link.incarnation_, event);
        }
    }
}

void Hub::flush_pending() {
    std::vector<std::uint64_t> tokens;
    {
        const posix::Lock lock(mutex_);
        tokens.swap(flush_);
    }
    for (const auto token : tokens) {
        const auto link = find(token);
        if (!link) {
            continue;
        }
        std::vector<KeeperEvent> events;
        {
            const posix::Lock lock(link->mutex_);
            link->hold_until_ = 0;
            events.swap(link->held_);
        }
        deliver(*link, events);
    }
}

void Hub::drain(KeeperLink& link) {
    for (;;) {
        char byte = 0;
        const ssize_t got = ::recv(link.socket_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
        if (got <= 0 || !link.connected_) {
            return;
        }
        readable(link);
    }
}

void Hub::cut(KeeperLink& link, const std::string& why) {
    if (!link.connected_) {
        return;
    }
    link.connected_ = false;
    unwatch(link.socket_.get());
    const posix::Lock lock(link.mutex_);
    if (link.lost_why_.empty()) {
        link.lost_why_ = why;
    }
    link.changed_.notify_all();
    if (!link.released_ && !link.finished_) {
        link.give_up_ = Deadline::after(vmm_grace); // a living keeper that hung up is of no use
    }
}

void Hub::keeper_ended(const std::shared_ptr<KeeperLink>& link) {
    unwatch(link->keeper_.fd());
    drain(*link);
    cut(*link, "it has ended");
    link->give_up_.reset();
    if (link->child_) {
        (void)link->keeper_.reap();
    }
    bool released = false;
    std::int64_t last_seq = 0;
    {
        const posix::Lock lock(link->mutex_);
        released = link->released_;
        last_seq = link->last_seq_;
    }
    if (!released) {
        // The journal is written before an event is sent: what was not sent any more is there.
        for (const auto& event : read_journal(link->run_dir_, last_seq)) {
            take_event(*link, event);
        }
    }
    bool finished = false;
    {
        const posix::Lock lock(link->mutex_);
        finished = link->finished_;
        released = link->released_;
        link->gone_ = released || finished;
    }
    if (released) {
        {
            const posix::Lock lock(mutex_);
            links_.erase(link->token_);
        }
        remove_run_folder(link->run_dir_);
    } else if (!finished) {
        end_vmm_of(*link);
    }
}

void Hub::end_vmm_of(KeeperLink& link) {
    // On disk is the VMM that could exist at most: it is recorded before it is executed.
    const auto state = read_keeper_state(link.run_dir_);
    const auto identity = state && state->vmm ? state->vmm : link.vmm();
    auto process = identity ? posix::PidFd::open(*identity) : std::nullopt;
    if (!process || !process->signal(SIGKILL)) {
        report_loss(link, "its keeper died, and its VMM is gone too");
        return;
    }
    link.doomed_ = std::move(process);
    link.give_up_ = Deadline::after(vmm_grace);
    watch(link.doomed_->fd(), link.token_, Source::vmm);
}

void Hub::report_loss(KeeperLink& link, const std::string& detail) {
    link.doomed_.reset();
    link.give_up_.reset();
    KeeperEvent event;
    event.at_ms = now_ms();
    event.kind = Kind::keeper_lost;
    event.reason = api::Reason::keeper_lost;
    event.detail = detail;
    bool released = false;
    bool held = false;
    {
        const posix::Lock lock(link.mutex_);
        event.generation = link.generation_;
        link.gone_ = true;
        released = link.released_;
        link.changed_.notify_all();
        // Behind what it follows; adoption looks at the processes itself.
        held = link.hold_until_ != 0 || link.intake_ == Intake::adopting;
        if (held) {
            link.held_.push_back(event);
        }
    }
    if (!held) {
        deliver(link, {event});
    }
    if (released) {
        const std::string run_dir = link.run_dir_;
        remove(link);
        remove_run_folder(run_dir);
    }
}

int Hub::timeout() {
    const posix::Lock lock(mutex_);
    int least = -1;
    for (const auto& [token, link] : links_) {
        if (const auto& give_up = link->give_up_; give_up) {
            const int left = give_up->poll_timeout();
            least = least < 0 ? left : std::min(least, left);
        }
    }
    return least;
}

void Hub::check_timers() {
    std::vector<std::shared_ptr<KeeperLink>> late;
    {
        const posix::Lock lock(mutex_);
        for (const auto& [token, link] : links_) {
            const auto& give_up = link->give_up_;
            if (give_up && give_up->expired()) {
                late.push_back(link);
            }
        }
    }
    for (const auto& link : late) {
        link->give_up_.reset();
        if (const auto& doomed = link->doomed_; doomed) {
            unwatch(doomed->fd());
            report_loss(*link, "its keeper died, and the kernel does not let go of its VMM");
        } else {
            link->keeper_.signal(SIGKILL); // it hung up and stayed: its end is handled as any
        }
    }
}

} // namespace mshv::vmm
