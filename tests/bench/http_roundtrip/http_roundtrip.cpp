// SPDX-License-Identifier: Apache-2.0
//
// One API round trip on an open connection, against the floor of the machine: the same number of
// bytes to and fro between two threads over a socket pair with nothing else. Where no guest runs,
// use `chrt -f 5`, since the scheduler's tick otherwise decides.

#include "toolstack/libs/http/client.hpp"
#include "toolstack/libs/http/server.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace {

using namespace mshv;
using Clock = std::chrono::steady_clock;

constexpr int rounds = 20'000;

class Fixed : public http::Handler {
public:
    std::variant<Admitted, http::Response> admit(const http::Head& /*head*/,
                                                 const posix::PeerCredentials& /*peer*/) override {
        return Admitted{1024};
    }
    http::Answer handle(http::Request& /*request*/,
                        const posix::PeerCredentials& /*peer*/) override {
        return http::Response{200, "application/json", {}, std::string(400, 'x'), {}};
    }
    http::Response failure(int status, std::string_view why) override {
        return http::Response{status, "text/plain", {}, std::string(why), {}};
    }
};

struct Result {
    double median_us, p99_us;
};

Result measure(const std::function<void()>& one) {
    std::vector<double> samples;
    samples.reserve(rounds);
    for (int i = 0; i < rounds; ++i) {
        const auto begin = Clock::now();
        one();
        samples.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    std::sort(samples.begin(), samples.end());
    return {samples[rounds / 2], samples[rounds * 99 / 100]};
}

Result floor_of_the_machine() {
    auto [near, far] = posix::socket_pair(SOCK_STREAM);
    std::thread peer([socket = std::move(far)] {
        std::array<char, 600> block{};
        while (::recv(socket.get(), block.data(), block.size(), 0) > 0) {
            ::send(socket.get(), block.data(), block.size(), MSG_NOSIGNAL);
        }
    });
    std::array<char, 600> block{};
    const Result result = measure([&] {
        ::send(near.get(), block.data(), 60, MSG_NOSIGNAL);
        if (::recv(near.get(), block.data(), block.size(), MSG_WAITALL) <= 0) {
            std::abort();
        }
    });
    near.reset();
    peer.join();
    return result;
}

Result round_trip() {
    std::string folder = "/tmp/mshv-bench-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
        std::abort();
    }
    const std::string path = folder + "/s";
    Fixed handler;
    http::Server server(posix::listen_unix(path, 0600), handler);
    http::Client client(path);
    const http::ClientRequest request{"GET", "/v1/partitions/web", ""};
    const Result result = measure([&] {
        if (client.send(request, posix::Deadline::after(std::chrono::seconds(5))).status != 200) {
            std::abort();
        }
    });
    server.stop(posix::Deadline::after(std::chrono::seconds(1)));
    posix::remove_tree(folder);
    return result;
}

} // namespace

int main() {
    const Result base = floor_of_the_machine();
    const Result trip = round_trip();
    std::printf("floor (socket pair)   median %6.1f us  p99 %6.1f us\n", base.median_us,
                base.p99_us);
    std::printf("http round trip       median %6.1f us  p99 %6.1f us  ratio %.2f\n", trip.median_us,
                trip.p99_us, trip.median_us / base.median_us);
    return 0;
}
