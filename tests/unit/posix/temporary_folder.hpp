// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <chrono>
#include <cstdlib>
#include <string>

namespace mshv::posix::test {

inline Deadline soon() {
    return Deadline::after(std::chrono::seconds(10));
}

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = "/tmp/mshv-posix-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { remove_tree(path_); }
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return path_ + "/" + name;
    }

private:
    std::string path_;
};

} // namespace mshv::posix::test
