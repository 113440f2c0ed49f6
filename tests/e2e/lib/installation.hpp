// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mshv::e2e {

// Where the things under test are: what `cmake --install` put into the stage of this build, and
// what tests/guest/make made.

std::string mshvctl_path();
std::string mshvd_path();
std::string keeper_path();
std::string kernel_image_path();
std::string fake_vmm_path();
std::string qemu_path();
/// Unpacked kernels, shared by all tests: each is 50 MB.
std::string cache_path();

std::string guest_kernel();
std::string guest_initrd();
/// The same with QEMU's guest agent, which the step qemu-ga starts.
std::string guest_agent_initrd();
/// The same guest with the drivers of a CD drive, which needs another kernel.
std::string cd_guest_kernel();
std::string cd_guest_initrd();
std::string guest_disk(const std::string& format); ///< "raw" or "qcow2"; shared: never written to

/// A file below tests/data or configs, in the source tree.
std::string source_path(const std::string& relative);

/// True under a sanitizer: everything takes several times as long.
bool sanitized();

} // namespace mshv::e2e
