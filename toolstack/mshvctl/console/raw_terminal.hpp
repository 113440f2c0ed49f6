// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mshv::ctl {

/// Puts a terminal into raw mode and restores it on every way out: by the destructor, at a fatal
/// signal of this process (a fault, abort), and while it is stopped. Only one at a time. What is no
/// terminal is left alone.
class RawTerminal {
public:
    explicit RawTerminal(int fd);
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

    [[nodiscard]] bool active() const { return active_; }
    /// Raw again, after the process was stopped and continued.
    void enter() const;
    /// As it was before, while the process is stopped.
    void leave() const;

private:
    bool active_ = false;
};

} // namespace mshv::ctl
