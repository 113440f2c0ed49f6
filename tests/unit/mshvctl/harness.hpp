// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/http/server.hpp"
#include "toolstack/libs/posix/command.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mshv::test {

/// What a run of the program left.
struct Result {
    int status = -1;
    std::string out, err;
};

/// A folder that is gone at the end.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return path_ + "/" + name;
    }

private:
    std::string path_;
};

/// A daemon whose answers are the test's.
class FakeDaemon : private http::Handler {
public:
    using Answerer = std::function<http::Response(const http::Request&)>;

    explicit FakeDaemon(const std::string& socket);
    ~FakeDaemon() override;

    /// `route` is "METHOD /decoded/path".
    void on(const std::string& route, Answerer answer);
    void on(const std::string& route, int status, const std::string& body);
    /// Answers an upgrade of GET `path`; `serve` owns the connection, after the 101.
    void on_upgrade(const std::string& path, std::function<void(posix::Fd)> serve);
    void forget_upgrade(const std::string& path);
    /// Returns when no answer is under way any more.
    void stop() { server_->stop(posix::Deadline::after(std::chrono::seconds(5))); }
    /// The requests so far: "METHOD /decoded/path?key=value BODY".
    std::vector<std::string> requests();

private:
    std::variant<Admitted, http::Response> admit(const http::Head& head,
                                                 const posix::PeerCredentials& peer) override;
    http::Answer handle(http::Request& request, const posix::PeerCredentials& peer) override;
    http::Response failure(int status, std::string_view why) override;

    std::mutex mutex_;
    std::map<std::string, Answerer> answers_;
    std::map<std::string, std::function<void(posix::Fd)>> upgrades_;
    std::vector<std::string> requests_;
    std::unique_ptr<http::Server> server_;
};

/// A daemon and the program that asks it.
struct ProgramFixture {
    TemporaryFolder folder;
    FakeDaemon daemon{folder / "mshvd.sock"};
    std::vector<std::string> environment;

    /// Runs mshvctl to its end, with nothing on its standard input.
    [[nodiscard]] Result run(std::vector<std::string> words) const;
    /// The request that these words make last, as FakeDaemon::requests() has it; they succeed.
    std::string body(std::vector<std::string> words);
    /// What these words, which end with `status` and ask the daemon nothing, say on standard error.
    std::string refused(std::vector<std::string> words, int status);
};

/// mshvctl on a terminal, which the test is.
class TerminalRun {
public:
    TerminalRun(const ProgramFixture& fixture, std::vector<std::string> words);
    void type(std::string_view keys) const;
    /// Reads until the terminal has shown `text`; fails after some seconds.
    void expect(std::string_view text);
    void signal(int number) const { child_.pidfd.signal(number); }
    /// The exit status.
    int finish();
    /// The signal that ended it.
    int finish_by_signal();
    [[nodiscard]] const std::string& shown() const { return shown_; }

private:
    posix::ExitStatus ended();

    posix::Fd terminal_;
    posix::Child child_;
    std::string shown_;
};

/// Runs `program` to its end.
Result run_program(const std::string& program, std::vector<std::string> argv,
                   std::vector<std::string> environment);

/// The JSON of a PartitionView.
std::string partition_json(int id, const std::string& name, const std::string& state,
                           int generation = 1);

} // namespace mshv::test
