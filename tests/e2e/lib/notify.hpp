// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <string>

namespace mshv::e2e {

/// The socket at which a daemon says that it is ready, as service managers have one: made at `path`.
posix::Fd notify_socket(const std::string& path);

} // namespace mshv::e2e
