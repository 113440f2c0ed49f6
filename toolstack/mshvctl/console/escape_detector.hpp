// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mshv::ctl {

/// Finds the escape key in what is typed. The key counts only when it comes alone, with nothing
/// before it for `idle`: what is pasted, and what the terminal answers, comes in bursts and passes
/// through whole, whatever it holds. After the key, '.' detaches, '?' asks for help, the key once
/// more sends one; `second_key` later it detaches by itself, as in xl. That time is long enough to
/// type a second key and short enough not to be felt.
class EscapeDetector {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds idle{50};
    static constexpr std::chrono::milliseconds second_key{300};

    enum class Action { none, detach, help };
    struct Result {
        std::string forward; ///< for the guest
        Action action = Action::none;
    };

    explicit EscapeDetector(char escape) : escape_(escape) {}

    /// One read's worth of input.
    Result feed(std::string_view bytes, Clock::time_point now);
    /// To be called when due() has passed.
    Result tick(Clock::time_point now);
    [[nodiscard]] std::optional<Clock::time_point> due() const;

private:
    Result second(char key);
    void follow_paste(std::string_view bytes);

    char escape_;
    std::optional<Clock::time_point> pending_; ///< when the key came, until it is decided
    std::optional<Clock::time_point> last_;
    bool in_paste_ = false; ///< between the marks of a bracketed paste
    std::string mark_;      ///< how much of such a mark has come
};

} // namespace mshv::ctl
