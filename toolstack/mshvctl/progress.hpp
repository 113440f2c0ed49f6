// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace mshv::ctl {

/// One status line on standard error while the program waits, and what Ctrl-C says. On anything but
/// a terminal nothing is shown. Ctrl-C ends the program with exit status 14 and `goes_on`, since
/// the daemon carries the operation on. One at a time.
class Progress {
public:
    Progress(std::string_view doing, std::string_view goes_on);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Redraws the line: what is waited for, `state`, and the seconds so far.
    void update(std::string_view state);
    /// How long a wait may last before the line wants to be redrawn.
    [[nodiscard]] std::chrono::milliseconds patience() const;

private:
    void clear() const;

    std::string doing_;
    bool terminal_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

} // namespace mshv::ctl
