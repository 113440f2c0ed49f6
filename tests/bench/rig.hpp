// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/e2e/lib/json.hpp"
#include "tests/e2e/lib/program.hpp"
#include "toolstack/libs/http/client.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace mshv::bench {

using namespace std::chrono_literals;
using e2e::Deadline;

/// A private installation to measure: folders, a daemon, clients. Ends its guests and removes its
/// folders.
class Rig {
public:
    enum class Vmm { real, fake };
    explicit Rig(Vmm vmm);
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;
    ~Rig();

    void start_daemon(); ///< returns when it said that it is ready
    void kill_daemon();
    void stop_daemon();
    [[nodiscard]] pid_t daemon_pid() const { return daemon_->pid(); }

    /// Runs mshvctl to its end; throws when it fails. Returns its standard output.
    std::string ctl(const std::vector<std::string>& arguments);
    e2e::Program session(const std::vector<std::string>& arguments);
    http::ClientResponse get(const std::string& target);
    [[nodiscard]] std::string socket() const { return root_ + "/run/mshvd.sock"; }
    [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }
    std::string write_file(const std::string& name, const std::string& text);

    /// The body of a request that defines a partition of this name.
    std::string define_body(const std::string& name);
    /// Defines `count` partitions over `connections` connections; returns the seconds it took.
    double define_many(int count, int connections, const std::string& prefix);
    e2e::Json row(const std::string& name);

private:
    std::vector<std::string> environment() const;

    std::string root_;
    posix::Fd notify_;
    std::optional<e2e::Program> daemon_;
    std::string template_; ///< of define_body
};

/// Fields of /proc/PID/status and smaps_rollup, in bytes.
double resident_bytes(pid_t pid);
double proportional_bytes(pid_t pid);

} // namespace mshv::bench
