// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mshv::kernelimage {

/// What mshv-kernel-image ends with.
enum class ExitCode {
    unpacked = 0,
    failed = 1,           ///< a system call failed: the text is on standard error; try again
    no_bzimage = 3,       ///< no bzImage of boot protocol 2.08 or later
    damaged = 4,          ///< unknown compression, or data that does not unpack
    no_pvh_entry = 5,     ///< built without CONFIG_PVH
    already_vmlinux = 6,  ///< the file is what would come out
};

} // namespace mshv::kernelimage
