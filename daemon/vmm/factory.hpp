// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/vmm.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mshv::vmm {

/// Where this host's VMMs, programs and folders are. Every path is absolute and holds no comma and
/// no white space in `run_dir` (it stands inside QEMU options): make_host() refuses others.
struct HostOptions {
    std::string run_dir = "/run/mshv";
    std::string log_dir = "/var/log/mshv";
    std::string cache_dir = "/var/cache/mshv";
    std::string state_dir = "/var/lib/mshv";
    std::string qemu;         ///< empty = the first qemu-system-x86_64 of the usual folders
    std::string keeper;       ///< mshv-keeper
    std::string kernel_image; ///< mshv-kernel-image; empty = never unpack a kernel

    /// VMMs run as uid_base + id % uid_count, group of the same number. Empty = as the daemon
    /// itself, which is the only way for a daemon that is not root.
    std::optional<uid_t> uid_base;
    unsigned uid_count = 65536;

    std::string seed_maker = "/usr/bin/xorriso"; ///< makes cloud-init's images

    std::uint64_t kernel_cache_limit = std::uint64_t{1} << 30; ///< bytes of unpacked kernels
    /// Firmware descriptor folders (QEMU's docs/interop/firmware.json); a file in an earlier one
    /// hides the file of the same name in a later one.
    std::vector<std::string> firmware_dirs{"/etc/qemu/firmware", "/usr/share/qemu/firmware"};
    /// Folders with qboot.rom and bios.bin.
    std::vector<std::string> rom_dirs{"/usr/share/qemu", "/usr/share/seabios"};

    /// daemon/net's open_tap: makes the interface and joins its bridge. Empty = no bridged NICs.
    TapOpener open_tap;
    /// The way into a partition's control group; invalid = its keeper stays in this process's.
    std::function<Fd(const api::Uuid&)> open_group;
    /// A line for the log, at most a few a start. Empty = dropped. Called on any thread.
    std::function<void(const std::string&)> log;
};

/// Probes the host in the background, so that the first start need not wait for it; returns at
/// once. Throws api::Error{invalid} for options that cannot work.
std::unique_ptr<VmmHost> make_host(HostOptions options);

} // namespace mshv::vmm
