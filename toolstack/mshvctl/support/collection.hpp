// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mshv::ctl {

/// A folder of what commands printed, readable by its owner alone and gone with its object. Not
/// thread-safe.
class Collection {
public:
    struct Part {
        std::string file;    ///< below the folder
        std::string command; ///< where it came from
        std::string error;   ///< empty when it is whole
    };

    /// A folder below $TMPDIR or /tmp, and in it one with this name. Throws std::system_error.
    explicit Collection(const std::string& name);
    ~Collection();
    Collection(const Collection&) = delete;
    Collection& operator=(const Collection&) = delete;

    /// The folder that holds the named one.
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }

    /// Keeps a text.
    void keep(const std::string& file, std::string_view text, const std::string& from);
    /// Keeps what a program printed, also when it fails or there is none; what it said beside that
    /// is the part's error. It is killed at the deadline.
    void run(const std::string& file, std::vector<std::string> words, posix::Deadline deadline);
    /// Notes why something is not there.
    void miss(const std::string& file, const std::string& from, const std::string& why);

private:
    std::string folder_, inner_;
    std::vector<Part> parts_;
};

} // namespace mshv::ctl
