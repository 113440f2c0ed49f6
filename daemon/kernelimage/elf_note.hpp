// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/kernelimage/bzimage.hpp"

namespace mshv::kernelimage {

/// Is `elf` a 64-bit ELF file with the note that tells its 32-bit PVH entry (name "Xen", type 18,
/// XEN_ELFNOTE_PHYS32_ENTRY of Xen's public elfnote.h)? QEMU boots such a file directly.
bool has_pvh_entry(Bytes elf);

} // namespace mshv::kernelimage
