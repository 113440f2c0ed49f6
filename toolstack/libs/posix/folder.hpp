// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mshv::posix {

/// The folder that a path's last name stands in; "." where it says none.
std::string folder_of(const std::string& path);

/// Makes it durable that the folder of `path` has this name, or has it no more. Throws
/// std::system_error.
void sync_folder_of(const std::string& path);

} // namespace mshv::posix
