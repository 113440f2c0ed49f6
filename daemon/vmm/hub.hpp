// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/link.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mshv::vmm {

/// One thread that reads from every keeper and notices every keeper's death. Thread-safe. It never
/// waits for anything but its epoll: no keeper and no VMM can make it late for another.
class Hub {
public:
    using Log = std::function<void(const std::string&)>;

    explicit Hub(Log log);
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;
    Hub(Hub&&) = delete;
    Hub& operator=(Hub&&) = delete;
    ~Hub();

    void set_sink(VmmHost::EventSink sink);
    /// Starts to listen.
    void add(const std::shared_ptr<KeeperLink>& link);
    /// Stops to listen; keeper and VMM are left as they are.
    void remove(const KeeperLink& link);
    /// Hands events that were held back to the sink, on the hub's thread.
    void flush(const KeeperLink& link);

private:
    enum class Source : std::uint64_t { socket, keeper, vmm };
    static constexpr std::uint64_t wakeup_data = 0;

    void run(const std::stop_token& stop);
    void handle(std::uint64_t data);
    void watch(int fd, std::uint64_t token, Source source);
    void unwatch(int fd);
    void readable(KeeperLink& link);
    void take_line(KeeperLink& link, const std::string& text);
    void take_event(KeeperLink& link, const KeeperEvent& event);
    void drain(KeeperLink& link);
    void cut(KeeperLink& link, const std::string& why);
    void keeper_ended(const std::shared_ptr<KeeperLink>& link);
    void end_vmm_of(KeeperLink& link);
    void report_loss(KeeperLink& link, const std::string& detail);
    void deliver(KeeperLink& link, const std::vector<KeeperEvent>& events);
    void flush_pending();
    int timeout();
    void check_timers();
    std::shared_ptr<KeeperLink> find(std::uint64_t token);

    Log log_;
    Fd epoll_;
    posix::Wakeup wakeup_;
    posix::Mutex mutex_; ///< never held over a callback
    // Each link is shared with its VmmProcess.
    std::map<std::uint64_t, std::shared_ptr<KeeperLink>> links_ MSHV_GUARDED_BY(mutex_);
    std::uint64_t next_token_ MSHV_GUARDED_BY(mutex_) = 1;
    std::vector<std::uint64_t> flush_ MSHV_GUARDED_BY(mutex_);
    VmmHost::EventSink sink_ MSHV_GUARDED_BY(mutex_);
    std::jthread thread_; ///< last: joined before the rest goes
};

} // namespace mshv::vmm
