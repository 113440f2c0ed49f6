// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/e2e/lib/program.hpp"
#include "toolstack/libs/posix/command.hpp"

#include <string>
#include <vector>

namespace mshv::bench {

/// A QEMU that no toolstack stands above: the floor of what starting one can cost. It is given the
/// argument vector of a VMM that the daemon started, with console and monitor of its own.
class QemuByHand {
public:
    /// Starts it and returns when QMP says that it runs; `folder` is made.
    QemuByHand(std::vector<std::string> argv, const std::string& folder);
    QemuByHand(const QemuByHand&) = delete;
    QemuByHand& operator=(const QemuByHand&) = delete;
    ~QemuByHand();

    /// Reads its console until `text` was there.
    void wait_for(const std::string& text, e2e::Deadline deadline);
    /// SIGTERM and wait, as an administrator would.
    void terminate();

private:
    void talk(const std::string& command, const std::string& answer, e2e::Deadline deadline);

    std::string folder_;
    posix::Fd output_, input_, monitor_;
    posix::Child child_;
    std::string text_, received_;
};

} // namespace mshv::bench
