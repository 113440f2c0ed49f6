// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <string>

namespace mshv::ctl {

/// A file that is being made beside `target`, readable by its owner alone. It is gone again with
/// its object, and when the program is interrupted, unless it got its name. One at a time.
class PartialFile {
public:
    /// Throws std::system_error.
    explicit PartialFile(std::string target);
    ~PartialFile();
    PartialFile(const PartialFile&) = delete;
    PartialFile& operator=(const PartialFile&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

    enum class Existing { refuse, replace };
    /// Makes what is written durable and gives it its name, at once. Throws api::Error{exists}.
    void finish(Existing existing);

private:
    void forget();

    std::string target_, path_;
    bool named_ = false;
};

} // namespace mshv::ctl
