// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <string>
#include <string_view>

namespace mshv::keeper {

/// What a VMM writes to its stderr: the last 4 KiB for the report of its end, the first 256 KiB in
/// vmm.log.
class ErrorTail {
public:
    static constexpr std::size_t most_kept = 4096;
    static constexpr std::size_t largest_log = 256 * 1024;

    explicit ErrorTail(const std::string& log_path);

    void append(std::string_view bytes);
    /// A new VMM's words are its own.
    void clear() { tail_.clear(); }
    /// Printable: bytes that are no ASCII text stand as \xNN.
    [[nodiscard]] std::string text() const;

private:
    posix::Fd log_;
    std::size_t logged_ = 0;
    std::string tail_;
};

} // namespace mshv::keeper
