// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/e2e/lib/api.hpp"
#include "tests/e2e/lib/guest_xml.hpp"
#include "tests/e2e/lib/json.hpp"
#include "tests/e2e/lib/program.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mshv::e2e {

using namespace std::chrono_literals;

/// How long a test waits for something that should happen: long enough for a loaded machine and a
/// sanitizer, since reaching it is a failure anyway.
Deadline soon();
/// For what a guest does after it was started.
Deadline guest_time();

struct HostOptions {
    bool private_cache = false;  ///< unpacked kernels are not shared with other tests
    bool fake_vmm = false;       ///< tests/fakevmm stands for QEMU
    std::string crashpoint = {}; ///< MSHV_CRASHPOINT of the first daemon
    std::vector<std::string> daemon_arguments = {}; ///< more of them
    std::map<std::string, std::string> config =
        {};                                   ///< "section.key" = TOML value, over the defaults
    std::vector<std::string> daemon_env = {}; ///< more of it
};

/// A machine's worth of mshv for one test: private folders, one daemon, and whatever that starts.
/// The destructor holds it to the invariants, ends every guest and the daemon, and checks that
/// nothing is left. Not thread-safe, except for ctl() and http().
class Host {
public:
    explicit Host(HostOptions options = {});
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host();

    // ---- the daemon ----
    /// Starts it and waits until it says that it is ready. False when it ended before that, which
    /// only a test with `crashpoint` expects.
    bool start_daemon(const std::string& crashpoint = {});
    /// SIGKILL, and gone.
    void kill_daemon();
    /// SIGTERM; returns the exit status.
    int stop_daemon();
    /// Waits for a daemon that a crash point ends; -1 when it did not even get ready.
    int wait_daemon_ended();
    [[nodiscard]] bool daemon_runs() const { return daemon_ && daemon_->alive(); }
    [[nodiscard]] pid_t daemon_pid() const { return daemon_->pid(); }
    /// One more daemon on the same configuration, for tests of what it must not do.
    Program spawn_daemon(const std::vector<std::string>& arguments = {},
                         const std::string& crashpoint = {});

    // ---- clients ----
    Outcome ctl(const std::vector<std::string>& arguments, const std::string& input = {},
                std::optional<Deadline> deadline = {});
    /// Requires success; returns standard output.
    std::string ok(const std::vector<std::string>& arguments, const std::string& input = {});
    /// Requires this exit status; returns standard error.
    std::string fails(int status, const std::vector<std::string>& arguments,
                      const std::string& input = {});
    /// A client that stays, with its standard input open.
    Program session(const std::vector<std::string>& arguments);
    Response http(std::string_view method, std::string_view target, std::string_view body = {});

    // ---- guests ----
    /// A guest for tests/fakevmm; `words` are its faults, without "fakevmm." in front.
    GuestXml fake_guest(const std::string& name, const std::vector<std::string>& words = {});
    /// `mshvctl create` of a document; requires success.
    void create(const GuestXml& guest, const std::vector<std::string>& options = {});
    void define(const GuestXml& guest);
    /// The row that the API shows; requires that there is one.
    Json view(const std::string& name);
    [[nodiscard]] bool exists(const std::string& name);
    std::vector<Json> rows(); ///< all, also those that are off
    /// Waits by `mshvctl wait`; requires success.
    void wait_state(const std::string& name, const std::string& states,
                    std::chrono::seconds timeout = 60s);
    /// Reads the console from its first byte until `text` has come `count` times.
    std::string wait_console(const std::string& name, const std::string& text,
                             std::size_t count = 1);
    pid_t keeper_pid(const std::string& name);
    pid_t vmm_pid(const std::string& name);
    /// What the VMM answers to a QMP command, by way of its keeper.
    std::string qmp(const std::string& name, const std::string& command);

    // ---- events ----
    std::int64_t last_event();
    std::vector<Json> events(std::int64_t since = 0);
    /// Waits for an event after `since` that satisfies `wanted`.
    Json wait_event(std::int64_t since, const std::function<bool(const Json&)>& wanted);

    // ---- files ----
    [[nodiscard]] const std::string& root() const { return root_; }
    [[nodiscard]] std::string path(const std::string& relative) const {
        return root_ + "/" + relative;
    }
    [[nodiscard]] std::string socket() const { return path("run/mshvd.sock"); }
    std::string write_file(const std::string& relative, std::string_view text, mode_t mode = 0644);
    [[nodiscard]] std::string daemon_log() const;
    [[nodiscard]] const HostOptions& options() const { return options_; }
    /// What the daemon held when it had just started.
    [[nodiscard]] std::size_t baseline_descriptors() const { return baseline_descriptors_; }
    /// Children whose end this object waits for.
    [[nodiscard]] std::set<pid_t> awaited() const;

    /// Ends every guest and removes every definition.
    void remove_all();

private:
    void write_config();
    [[nodiscard]] std::vector<std::string> daemon_environment(const std::string& crashpoint) const;
    bool wait_ready();
    void finish();

    HostOptions options_;
    std::string root_;
    posix::Fd notify_;
    std::optional<Program> daemon_;
    std::set<std::string> interfaces_;
    std::size_t baseline_descriptors_ = 0;
};

/// `text` is somewhere in `whole`.
bool contains(std::string_view whole, std::string_view text);

} // namespace mshv::e2e
