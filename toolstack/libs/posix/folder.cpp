// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/folder.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace mshv::posix {

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

void sync_folder_of(const std::string& path) {
    const std::string folder = folder_of(path);
    const Fd directory = open_file(folder, O_RDONLY | O_DIRECTORY);
    check(::fsync(directory.get()), "fsync " + folder);
}

} // namespace mshv::posix
