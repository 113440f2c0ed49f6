// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/launch_plan.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <optional>
#include <string>

namespace mshv::vmm {

/// Opens a disk for a VMM. Symbolic links are followed, since an administrator's /dev/vg/disk is
/// one; what is opened must then be what was declared, and nothing else is ever opened for real: no
/// FIFO that blocks, no device that acts on open. A qcow2 image must not name files that the
/// definition does not. Throws api::Error naming the path.
posix::Fd open_disk(const domain::FilePlan& file);

/// `path` itself, or the path of a copy at `copy` that `user` can read. Empty user = this process.
std::string make_readable(const std::string& path, const std::string& copy,
                          const std::optional<domain::VmmUser>& user);

/// Makes `plan.to` from the template unless it exists. Atomic.
void copy_template(const domain::CopyPlan& plan);

/// Makes exactly this folder; its mode does not depend on the umask. `fresh`: it must not exist.
enum class Existing { refuse, accept };
void make_folder(const std::string& path, mode_t mode, Existing existing);

} // namespace mshv::vmm
