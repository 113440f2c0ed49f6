// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

/// Marks an instant at which a test may make the process die, fail or stop: before and after each
/// durable write, fork, descriptor hand-over, VMM command, rename and unlink. Compiled in only with
/// MSHV_CRASHPOINTS; a release contains none of it.
///
/// MSHV_CRASHPOINT="NAME[:N][=kill|stop|error|exit]" in the environment acts at the N-th hit of NAME
/// (default: the first, kill). Several are separated by commas. `error` throws std::runtime_error.
#ifdef MSHV_CRASHPOINTS
#define MSHV_CRASHPOINT(name)                                                                      \
    do {                                                                                           \
        [[gnu::section("mshv_crashpoints"), gnu::used]] static const char* const                   \
            mshv_crashpoint_name = name;                                                           \
        ::mshv::posix::hit_crashpoint(mshv_crashpoint_name);                                       \
    } while (false)
#else
#define MSHV_CRASHPOINT(name)                                                                      \
    do {                                                                                           \
    } while (false)
#endif

namespace mshv::posix {

/// Acts when the environment asks for it. Thread-safe.
void hit_crashpoint(std::string_view name);

/// Every crash point linked into this program, sorted, each once; none in a release.
std::vector<std::string_view> crashpoint_names();

} // namespace mshv::posix
