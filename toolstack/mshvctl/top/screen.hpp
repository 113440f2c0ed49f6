// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace mshv::ctl {

/// The whole terminal, as long as it lives; restored by the destructor, and while the process is
/// stopped. One at a time, on one thread.
class Screen {
public:
    enum class Key {
        none, ///< the deadline has come
        quit,
        refresh, ///< also: the terminal has another size, or is this program's again
        sort,
        reverse,
        vcpus,
        names,
        slower,
        faster,
        up,
        down,
        page_up,
        page_down,
        first,
    };
    struct Line {
        std::string text; ///< escaped, UTF-8
        bool bright = false;
    };

    /// Throws api::Error{unsupported} where the terminal is of no known kind.
    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    [[nodiscard]] std::size_t rows() const;
    /// Shows these lines, cut where the terminal ends.
    void show(const std::vector<Line>& lines);
    /// The next key that means something.
    Key wait(posix::Deadline deadline);

private:
    struct Terminal;
    std::unique_ptr<Terminal> terminal_;
};

} // namespace mshv::ctl
