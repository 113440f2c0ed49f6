// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

/// Marks an instant at which a test may make the process die, fail or stop: before and after each
/// durable write, fork, descriptor hand-over, VMM command, rename and unlink. Compiled in only with
/// MSHV_CRASHPOINTS; a release contains none of it.
///
/// MSHV_CRASHPOINT="NAME[:N][=kill|stop|error|exit]" in the environment acts at the N-th hit of NAME
/// (default: the first, kill). Several are separated by commas. `error` throws std::runtime_error.
#ifdef MSHV_CRASHPOINTS
#define MSHV_CRASHPOINT(name)                                                                      \
    do {                                                                                           \
        static const ::mshv::posix::CrashpointSite site{name};                                     \
        site.hit();                                                                                \
    } while (false)
#else
#define MSHV_CRASHPOINT(name)                                                                      \
    do {                                                                                           \
    } while (false)
#endif

namespace mshv::posix {

/// One place in the code. Thread-safe.
class CrashpointSite {
public:
    explicit CrashpointSite(std::string_view name);
    void hit() const;

private:
    std::string_view name_;
};

} // namespace mshv::posix
