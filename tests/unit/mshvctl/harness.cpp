// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

namespace mshv::test {
namespace {

using namespace std::chrono_literals;

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        posix::check(::pipe2(ends.data(), O_CLOEXEC), "pipe");
        reader = posix::Fd{ends[0]};
        writer = posix::Fd{ends[1]};
    }
    posix::Fd reader, writer;
};

/// Reads both pipes until both have ended.
void drain(Pipe& out, Pipe& err, Result& result, posix::Deadline deadline) {
    out.writer.reset();
    err.writer.reset();
    std::array<pollfd, 2> polled{{{out.reader.get(), POLLIN, 0}, {err.reader.get(), POLLIN, 0}}};
    std::array<std::string*, 2> texts{&result.out, &result.err};
    while (polled[0].fd >= 0 || polled[1].fd >= 0) {
        BOOST_REQUIRE(::poll(polled.data(), polled.size(), deadline.poll_timeout()) > 0);
        for (std::size_t i = 0; i < polled.size(); ++i) {
            if (polled[i].revents == 0) {
                continue;
            }
            std::array<char, 65536> block{};
            const auto got = ::read(polled[i].fd, block.data(), block.size());
            if (got <= 0) {
                polled[i].fd = -1;
            } else {
                texts[i]->append(block.data(), static_cast<std::size_t>(got));
            }
        }
    }
}

} // namespace

TemporaryFolder::TemporaryFolder() {
    std::string pattern = "/tmp/mshvctl-test-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    posix::remove_tree(path_);
}

FakeDaemon::FakeDaemon(const std::string& socket) {
    http::Handler& handler = *this;
    server_ = std::make_unique<http::Server>(posix::listen_unix(socket, 0600), handler);
}

FakeDaemon::~FakeDaemon() {
    server_->stop(posix::Deadline::after(5s));
}

void FakeDaemon::on(const std::string& route, Answerer answer) {
    const std::lock_guard lock(mutex_);
    answers_[route] = std::move(answer);
}

void FakeDaemon::on(const std::string& route, int status, const std::string& body) {
    on(route, [status, body](const http::Request&) {
        http::Response response;
        response.status = status;
        response.body = body;
        return response;
    });
}

void FakeDaemon::on_upgrade(const std::string& path, std::function<void(posix::Fd)> serve) {
    const std::lock_guard lock(mutex_);
    upgrades_[path] = std::move(serve);
}

void FakeDaemon::forget_upgrade(const std::string& path) {
    const std::lock_guard lock(mutex_);
    upgrades_.erase(path);
}

std::vector<std::string> FakeDaemon::requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::variant<http::Handler::Admitted, http::Response>
FakeDaemon::admit(const http::Head& /*head*/, const posix::PeerCredentials& /*peer*/) {
    return Admitted{1024 * 1024};
}

http::Answer FakeDaemon::handle(http::Request& request, const posix::PeerCredentials& /*peer*/) {
    std::string route = request.method + " ";
    for (const auto& segment : request.target.segments) {
        route += "/" + segment;
    }
    std::string line = route;
    for (const auto& [key, value] : request.target.query) {
        line += (line.find('?') == std::string::npos ? "?" : "&") + key + "=" + value;
    }
    Answerer answer;
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(line + (request.body.empty() ? "" : " " + request.body));
        if (const auto found = upgrades_.find(route); found != upgrades_.end()) {
            return http::Upgrade{
                [serve = found->second](posix::Fd socket,
                                        const std::string&) -> std::optional<http::Response> {
                    posix::write_all(socket.get(),
                                     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                                     "Upgrade: mshv-console/1\r\n\r\n",
                                     posix::Deadline::after(5s), "101");
                    serve(std::move(socket));
                    return std::nullopt;
                }};
        }
        if (const auto found = answers_.find(route); found != answers_.end()) {
            answer = found->second;
        }
    }
    return answer ? answer(request) : failure(404, "no partition of that name");
}

http::Response FakeDaemon::failure(int status, std::string_view why) {
    const auto code = status == 404 ? api::ErrorCode::not_found : api::ErrorCode::failed;
    http::Response response;
    response.status = status;
    response.body = api::encode_error(api::Error(code, std::string(why)));
    return response;
}

Result run_program(const std::string& program, std::vector<std::string> argv,
                   std::vector<std::string> environment) {
    Pipe out;
    Pipe err;
    posix::Command command;
    command.program = program;
    command.argv = std::move(argv);
    command.env = std::move(environment);
    command.fds = {{out.writer.get(), STDOUT_FILENO}, {err.writer.get(), STDERR_FILENO}};
    const auto child = posix::spawn(command);
    Result result;
    const auto deadline = posix::Deadline::after(30s);
    drain(out, err, result, deadline);
    child.pidfd.wait_ended(deadline);
    const auto status = child.pidfd.reap();
    BOOST_REQUIRE(status.has_value());
    BOOST_TEST(!status->signalled);
    result.status = status->value;
    return result;
}

Result ProgramFixture::run(std::vector<std::string> words) const {
    words.insert(words.begin(), "mshvctl");
    std::vector<std::string> variables = environment;
    variables.push_back("MSHV_SOCKET=" + (folder / "mshvd.sock"));
    return run_program(MSHVCTL, std::move(words), std::move(variables));
}

std::string ProgramFixture::body(std::vector<std::string> words) {
    const auto result = run(std::move(words));
    BOOST_TEST(result.status == 0, result.err);
    const auto all = daemon.requests();
    BOOST_REQUIRE(!all.empty());
    return all.back();
}

std::string ProgramFixture::refused(std::vector<std::string> words, int status) {
    const auto before = daemon.requests().size();
    const auto result = run(std::move(words));
    BOOST_TEST(result.status == status, result.err);
    BOOST_TEST(daemon.requests().size() == before);
    return result.err;
}

TerminalRun::TerminalRun(const ProgramFixture& fixture, std::vector<std::string> words) {
    int master = -1;
    int slave = -1;
    posix::check(::openpty(&master, &slave, nullptr, nullptr, nullptr), "openpty");
    terminal_ = posix::Fd{master};
    const posix::Fd other_end{slave};
    posix::Command command;
    command.program = MSHVCTL;
    command.argv = std::move(words);
    command.argv.insert(command.argv.begin(), "mshvctl");
    command.env = fixture.environment;
    command.env.push_back("MSHV_SOCKET=" + (fixture.folder / "mshvd.sock"));
    command.fds = {{slave, STDIN_FILENO}, {slave, STDOUT_FILENO}, {slave, STDERR_FILENO}};
    child_ = posix::spawn(command);
}

void TerminalRun::type(std::string_view keys) const {
    posix::write_all(terminal_.get(), keys, posix::Deadline::after(5s), "terminal");
}

void TerminalRun::expect(std::string_view text) {
    const auto deadline = posix::Deadline::after(10s);
    while (shown_.find(text) == std::string::npos) {
        std::array<char, 4096> block{};
        const auto got = posix::read_some(terminal_.get(), block, deadline, "terminal");
        BOOST_REQUIRE(got > 0);
        shown_.append(block.data(), got);
    }
}

posix::ExitStatus TerminalRun::ended() {
    child_.pidfd.wait_ended(posix::Deadline::after(10s));
    const auto status = child_.pidfd.reap();
    BOOST_REQUIRE(status.has_value());
    return *status;
}

int TerminalRun::finish() {
    const auto status = ended();
    BOOST_TEST(!status.signalled);
    return status.value;
}

int TerminalRun::finish_by_signal() {
    const auto status = ended();
    BOOST_TEST(status.signalled);
    return status.value;
}

std::string partition_json(int id, const std::string& name, const std::string& state,
                           int generation) {
    api::PartitionView view;
    view.id = id;
    view.uuid = *api::parse_uuid("0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f");
    view.name = name;
    view.state = api::from_name<api::State>(state).value();
    view.memory = 256LL * 1024 * 1024;
    if (view.state != api::State::shutoff && view.state != api::State::crashed) {
        view.runtime.emplace().generation = generation;
        view.runtime->uptime_ms = 3'723'000;
    }
    return api::encode(view);
}

} // namespace mshv::test
