// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/host.hpp"

#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/invariants.hpp"
#include "tests/e2e/lib/notify.hpp"
#include "tests/e2e/lib/processes.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <boost/test/execution_monitor.hpp>
#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mshv::e2e {
namespace {

/// Variables that the programs under test get from the environment of the test: how sanitizers
/// behave, and nothing else.
std::vector<std::string> sanitizer_environment(const std::string& root) {
    std::vector<std::string> result;
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"}) {
        const char* value = std::getenv(name);
        // Each process writes its report to a file of its own; invariants.cpp looks for them.
        result.push_back(std::string(name) + "=" + (value == nullptr ? "" : value) +
                         ":log_path=" + root + "/sanitizer");
    }
    return result;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) {
        text += " " + word;
    }
    return text;
}

} // namespace

Deadline soon() {
    return Deadline::after(sanitized() ? 120s : 40s);
}
Deadline guest_time() {
    return Deadline::after(sanitized() ? 240s : 120s);
}

bool contains(std::string_view whole, std::string_view text) {
    return whole.find(text) != std::string_view::npos;
}

Host::Host(HostOptions options) : options_(std::move(options)) {
    adopt_orphans();
    std::string pattern = "/tmp/mshv-e2e.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
        posix::throw_errno("make " + pattern);
    }
    root_ = pattern;
    // VMMs run as users of their own and must reach what the tests put here.
    posix::check(::chmod(root_.c_str(), 0755), "chmod " + root_);
    interfaces_ = network_interfaces();
    notify_ = notify_socket(path("notify"));
    write_config();
    const bool ready = start_daemon(options_.crashpoint);
    BOOST_REQUIRE_MESSAGE(ready || !options_.crashpoint.empty(),
                          "the daemon did not start: " << daemon_log());
    baseline_descriptors_ = ready ? count_entries(daemon_pid(), "fd") : 0;
}

Host::~Host() {
    try {
        finish();
    } catch (const std::exception& error) {
        BOOST_ERROR("the clean-up failed: " << error.what());
    } catch (const boost::execution_aborted&) { // NOLINT: a requirement that failed was reported
    }
    const auto& test = boost::unit_test::framework::current_test_case();
    if (!boost::unit_test::results_collector.results(test.p_id).passed()) {
        BOOST_TEST_MESSAGE("---- the daemon's log ----\n" << daemon_log());
    }
    daemon_.reset();
    for (const auto& [pid, process] : descendants()) {
        ::kill(pid, SIGKILL); // a failed test leaves nothing to the next one
    }
    posix::remove_tree(root_);
}

void Host::finish() {
    if (!daemon_runs()) {
        BOOST_REQUIRE_MESSAGE(start_daemon(), "the daemon did not start again");
    }
    check_invariants(*this);
    remove_all();
    check_invariants(*this);
    check_nothing_left(*this, interfaces_);
    BOOST_CHECK_EQUAL(stop_daemon(), 0);
    BOOST_CHECK_MESSAGE(descendants().empty(), "processes are left after the daemon's end");
    daemon_.reset();
}

// ---- the daemon ----

void Host::write_config() {
    std::string vmm = qemu_path();
    if (options_.fake_vmm) {
        // A copy, since the users that VMMs run as may not reach the build folder.
        vmm = path("fakevmm");
        std::filesystem::copy_file(fake_vmm_path(), vmm);
    }
    const auto quoted = [](const std::string& text) { return "\"" + text + "\""; };
    std::map<std::string, std::string> settings{
        {"api.admin_group", "\"\""},
        {"api.reader_group", "\"\""},
        {"log.level", "\"debug\""},
        {"log.target", "\"stderr\""},
        {"paths.cache_dir", quoted(cache_path())},
        {"paths.log_dir", quoted(path("log"))},
        {"paths.run_dir", quoted(path("run"))},
        {"paths.state_dir", quoted(path("state"))},
        {"vmm.kernel_image", quoted(kernel_image_path())},
        {"vmm.keeper", quoted(keeper_path())},
        {"vmm.qemu", quoted(vmm)},
    };
    for (const auto& [key, value] : options_.config) {
        settings[key] = value;
    }
    if (options_.private_cache) {
        settings["paths.cache_dir"] = quoted(path("cache"));
    }
    std::string text;
    std::string section;
    for (const auto& [key, value] : settings) { // sorted: a section's keys stand together
        const auto dot = key.find('.');
        if (key.substr(0, dot) != section) {
            section = key.substr(0, dot);
            text += "[" + section + "]\n";
        }
        text += key.substr(dot + 1) + " = " + value + "\n";
    }
    write_file("mshvd.toml", text);
}

std::vector<std::string> Host::daemon_environment(const std::string& crashpoint) const {
    auto env = sanitizer_environment(root_);
    env.push_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    env.push_back("NOTIFY_SOCKET=" + path("notify"));
    if (!crashpoint.empty()) {
        env.push_back("MSHV_CRASHPOINT=" + crashpoint);
    }
    env.insert(env.end(), options_.daemon_env.begin(), options_.daemon_env.end());
    return env;
}

Program Host::spawn_daemon(const std::vector<std::string>& arguments,
                           const std::string& crashpoint) {
    std::vector<std::string> argv{mshvd_path(), "--config", path("mshvd.toml")};
    argv.insert(argv.end(), options_.daemon_arguments.begin(), options_.daemon_arguments.end());
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return Program(argv, {daemon_environment(crashpoint), std::nullopt, path("mshvd.log")});
}

bool Host::start_daemon(const std::string& crashpoint) {
    daemon_.reset();
    daemon_.emplace(spawn_daemon({}, crashpoint));
    return wait_ready();
}

bool Host::wait_ready() {
    const auto deadline = soon();
    const auto identity = posix::identify_process(daemon_pid());
    const auto process = identity ? posix::PidFd::open(*identity) : std::nullopt;
    while (process) {
        std::array<pollfd, 2> wait{{{notify_.get(), POLLIN, 0}, {process->fd(), POLLIN, 0}}};
        if (posix::check(::poll(wait.data(), wait.size(), deadline.poll_timeout()), "poll") == 0) {
            throw posix::TimedOut("the daemon did not become ready: " + daemon_log());
        }
        if (wait[0].revents == 0) {
            break; // ended, and nothing it said is unread
        }
        std::array<char, 1024> text{};
        const auto n = ::recv(notify_.get(), text.data(), text.size(), 0);
        if (n > 0 && contains({text.data(), static_cast<std::size_t>(n)}, "READY=1")) {
            return true;
        }
    }
    (void)wait_daemon_ended();
    return false;
}

void Host::kill_daemon() {
    daemon_->signal(SIGKILL);
    (void)wait_daemon_ended();
}

int Host::stop_daemon() {
    daemon_->signal(SIGTERM);
    return wait_daemon_ended();
}

int Host::wait_daemon_ended() {
    if (!daemon_) {
        return -1;
    }
    const int status = daemon_->finish(soon()).status;
    daemon_.reset();
    return status;
}

std::set<pid_t> Host::awaited() const {
    return daemon_ ? std::set<pid_t>{daemon_->pid()} : std::set<pid_t>{};
}

std::string Host::daemon_log() const {
    try {
        return posix::read_file(path("mshvd.log"), 64 << 20);
    } catch (const std::exception& error) {
        return error.what();
    }
}

// ---- clients ----

Outcome Host::ctl(const std::vector<std::string>& arguments, const std::string& input,
                  std::optional<Deadline> deadline) {
    std::vector<std::string> argv{mshvctl_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto env = sanitizer_environment(root_);
    env.push_back("MSHV_SOCKET=" + socket());
    return run(argv, {env, input, {}}, deadline.value_or(guest_time()));
}

std::string Host::ok(const std::vector<std::string>& arguments, const std::string& input) {
    const auto outcome = ctl(arguments, input);
    BOOST_REQUIRE_MESSAGE(outcome.status == 0, "mshvctl" << joined(arguments) << " ended with "
                                                         << outcome.status << ": " << outcome.err);
    return outcome.out;
}

std::string Host::fails(int status, const std::vector<std::string>& arguments,
                        const std::string& input) {
    const auto outcome = ctl(arguments, input);
    BOOST_REQUIRE_MESSAGE(outcome.status == status, "mshvctl" << joined(arguments) << " ended with "
                                                              << outcome.status << " instead of "
                                                              << status << ": " << outcome.out
                                                              << outcome.err);
    return outcome.err;
}

Program Host::session(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv{mshvctl_path()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto env = sanitizer_environment(root_);
    env.push_back("MSHV_SOCKET=" + socket());
    return Program(argv, {env, std::nullopt, {}});
}

Response Host::http(std::string_view method, std::string_view target, std::string_view body) {
    return e2e::http(socket(), method, target, body, guest_time());
}

// ---- guests ----

GuestXml Host::fake_guest(const std::string& name, const std::vector<std::string>& words) {
    GuestXml guest{.name = name, .kernel = path("kernel")};
    if (!std::filesystem::exists(guest.kernel)) {
        write_file("kernel", "nobody boots this");
    }
    for (const auto& word : words) {
        guest.append += (guest.append.empty() ? "fakevmm." : " fakevmm.") + word;
    }
    return guest;
}

void Host::create(const GuestXml& guest, const std::vector<std::string>& options) {
    const auto file = write_file(guest.name + ".xml", guest.text());
    std::vector<std::string> arguments{"create"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back(file);
    ok(arguments);
}

void Host::define(const GuestXml& guest) {
    ok({"define", write_file(guest.name + ".xml", guest.text())});
}

Json Host::view(const std::string& name) {
    const auto answer = http("GET", "/v1/partitions/" + name);
    BOOST_REQUIRE_MESSAGE(answer.status == 200, name << ": " << answer.body);
    return Json::parse(answer.body);
}

bool Host::exists(const std::string& name) {
    return http("GET", "/v1/partitions/" + name).status == 200;
}

std::vector<Json> Host::rows() {
    const auto answer = http("GET", "/v1/partitions?all=1");
    BOOST_REQUIRE_EQUAL(answer.status, 200);
    return Json::parse(answer.body)["partitions"].items();
}

void Host::wait_state(const std::string& name, const std::string& states,
                      std::chrono::seconds timeout) {
    const auto allowed = sanitized() ? timeout * 4 : timeout;
    ok({"wait", "--state", states, "--timeout", std::to_string(allowed.count()), name});
}

std::string Host::wait_console(const std::string& name, const std::string& text,
                               std::size_t count) {
    auto reader = session({"console", "--no-input", "--replay", "all", name});
    return reader.wait_for(text, count, guest_time());
}

pid_t Host::keeper_pid(const std::string& name) {
    return static_cast<pid_t>(view(name)["runtime"]["keeper_pid"].number());
}

pid_t Host::vmm_pid(const std::string& name) {
    return static_cast<pid_t>(view(name)["runtime"]["vmm_pid"].number());
}

std::string Host::qmp(const std::string& name, const std::string& command) {
    const auto row = view(name);
    const auto socket =
        posix::connect_unix(path("run/" + row["uuid"].text() + "/" +
                                 row["runtime"]["incarnation"].text() + "/keeper.sock"),
                            soon());
    posix::write_all(socket.get(), "qmp\tid=1\tcommand=" + command + "\n", soon(), "keeper");
    std::string line;
    while (line.find('\n') == std::string::npos) {
        std::array<char, 4096> piece{};
        const auto got = posix::read_some(socket.get(), piece, soon(), "keeper");
        BOOST_REQUIRE_MESSAGE(got > 0, "the keeper hung up: " << line);
        line.append(piece.data(), got);
    }
    const auto at = line.find("json=");
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, line);
    return line.substr(at + 5, line.find('\n') - at - 5);
}

// ---- events ----

std::vector<Json> Host::events(std::int64_t since) {
    std::vector<Json> result;
    for (;;) {
        const auto answer = http("GET", "/v1/events?limit=1000&since=" + std::to_string(since));
        BOOST_REQUIRE_MESSAGE(answer.status == 200, answer.body);
        const auto page = Json::parse(answer.body)["events"].items();
        if (page.empty()) {
            return result;
        }
        result.insert(result.end(), page.begin(), page.end());
        since = page.back()["seq"].number();
    }
}

std::int64_t Host::last_event() {
    const auto all = events();
    return all.empty() ? 0 : all.back()["seq"].number();
}

Json Host::wait_event(std::int64_t since, const std::function<bool(const Json&)>& wanted) {
    const auto deadline = guest_time();
    while (!deadline.expired()) {
        const auto answer =
            http("GET", "/v1/events?limit=1000&wait_ms=1000&since=" + std::to_string(since));
        for (const auto& event : Json::parse(answer.body)["events"].items()) {
            since = event["seq"].number();
            if (wanted(event)) {
                return event;
            }
        }
    }
    throw posix::TimedOut("the event did not come");
}

// ---- the rest ----

std::string Host::write_file(const std::string& relative, std::string_view text, mode_t mode) {
    const auto full = path(relative);
    posix::replace_file(full, text, mode);
    posix::check(::chmod(full.c_str(), mode), "chmod " + full); // whatever the umask is
    return full;
}

void Host::remove_all() {
    for (const auto& row : rows()) {
        const auto id = "id:" + std::to_string(row["id"].number());
        if (row["state"].text() != "shutoff") {
            // It may end by itself meanwhile: what counts is that it is gone afterwards.
            (void)ctl({"destroy", "--override", "--wait-busy", "30", id});
        }
        if (row["persistent"].flag()) {
            (void)ctl({"undefine", "--wait-busy", "30", id});
        }
    }
    for (const auto& row : rows()) {
        BOOST_ERROR("cannot be removed: " << row.dump());
    }
}

} // namespace mshv::e2e
