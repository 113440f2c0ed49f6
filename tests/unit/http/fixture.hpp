// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/http/client.hpp"
#include "toolstack/libs/http/server.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <sys/socket.h>
#include <unistd.h>

namespace mshv::http::test {

using posix::Deadline;
using std::chrono::milliseconds;

inline Deadline soon() {
    return Deadline::after(milliseconds(10'000));
}

/// A folder that is gone with its owner.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = "/tmp/mshv-http-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { posix::remove_tree(path_); }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// Says what it was asked. /refuse is refused at admission, /throw throws, /wait waits for
/// release(), /upgrade takes the connection and /busy-upgrade gives it back.
class Echo : public Handler {
public:
    std::variant<Admitted, Response> admit(const Head& head,
                                           const posix::PeerCredentials& peer) override {
        peer_uid = static_cast<int>(peer.uid);
        if (head.target.segments.front() == "refuse") {
            return Response{403, "text/plain", {}, "no", {}};
        }
        return Admitted{body_limit};
    }

    Answer handle(Request& request, const posix::PeerCredentials& /*peer*/) override {
        ++handled;
        const std::string& first = request.target.segments.front();
        if (first == "throw") {
            throw std::runtime_error("thrown");
        }
        if (first == "wait") {
            std::unique_lock lock(mutex_);
            ++waiting;
            waiting.notify_all();
            released_.wait(lock, [this] { return free_; });
        }
        if (first == "file") {
            Response response;
            response.body = "head ";
            response.files.push_back({posix::memory_file("part", "0123456789"), 10});
            response.files.push_back({posix::memory_file("part", "ab"), 4});
            return response;
        }
        if (first == "upgrade") {
            return Upgrade{[](posix::Fd socket, const std::string& early) -> std::optional<Response> {
                posix::write_all(socket.get(),
                                 "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                 "Upgrade: x/1\r\n\r\nearly=" +
                                     early,
                                 soon(), "upgrade");
                return std::nullopt;
            }};
        }
        if (first == "busy-upgrade") {
            return Upgrade{[](posix::Fd socket, const std::string& /*early*/) {
                socket.reset();
                return std::optional(Response{423, "text/plain", {}, "busy", {}});
            }};
        }
        std::string text = request.method;
        for (const auto& segment : request.target.segments) {
            text += " /" + segment;
        }
        for (const auto& [key, value] : request.target.query) {
            text += " " + key + "=" + value;
        }
        text += " [" + request.body + "]";
        return Response{200, "text/plain", {{"X-Extra", "1"}}, text, {}};
    }

    Response failure(int status, std::string_view why) override {
        return Response{status, "text/plain", {}, std::string(why), {}};
    }

    void release() {
        const std::lock_guard lock(mutex_);
        free_ = true;
        released_.notify_all();
    }

    std::size_t body_limit = 1000;
    std::atomic<int> peer_uid{-1};
    std::atomic<int> handled{0};
    std::atomic<int> waiting{0};

private:
    std::mutex mutex_;
    std::condition_variable released_;
    bool free_ = false;
};

inline Limits quick_limits() {
    Limits limits;
    limits.head_time = milliseconds(150);
    limits.body_time = milliseconds(150);
    limits.write_time = milliseconds(300);
    limits.idle_time = milliseconds(2'000);
    return limits;
}

struct Fixture {
    explicit Fixture(Limits limits = {})
        : server(posix::listen_unix(path, 0600), handler, limits) {}
    ~Fixture() { handler.release(); }

    TemporaryFolder folder;
    std::string path = folder.path() + "/s";
    Echo handler;
    Server server;

    [[nodiscard]] posix::Fd connect() const { return posix::connect_unix(path, soon()); }

    /// Sends `bytes` as they are and returns all that comes until the server closes.
    [[nodiscard]] std::string raw(std::string_view bytes, bool end = false) const {
        const posix::Fd socket = connect();
        try {
            posix::write_all(socket.get(), bytes, soon(), "test");
        } catch (const std::system_error&) { // the server may have closed already
        }
        if (end) {
            ::shutdown(socket.get(), SHUT_WR);
        }
        return until_end(socket);
    }

    static std::string until_end(const posix::Fd& socket) {
        std::string answer;
        std::array<char, 4096> block{};
        try {
            while (const auto got = posix::read_some(socket.get(), block, soon(), "test")) {
                answer.append(block.data(), got);
            }
        } catch (const std::system_error&) { // reset
        }
        return answer;
    }

    /// The status of the only answer in `answer`, 0 for none, -1 for several.
    static int status_of(const std::string& answer) {
        if (answer.rfind("HTTP/1.1 ", 0) != 0) {
            return 0;
        }
        return answer.find("HTTP/1.1 ", 1) == std::string::npos ? std::stoi(answer.substr(9)) : -1;
    }
};

} // namespace mshv::http::test
