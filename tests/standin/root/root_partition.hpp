// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/memory/memory_map.hpp"
#include "tests/standin/options/options.hpp"
#include "tests/standin/partition/partition.hpp"
#include "tests/standin/root/permissions.hpp"

namespace mshv::standin {

/// The hypervisor's own serial port, of eight I/O ports.
constexpr u16 console_port = 0x2F8;
constexpr u16 console_ports = 8;
/// By which PCI configuration is read and written.
constexpr u16 pci_data_port = 0xCFC;
constexpr u16 pci_data_ports = 4;

/// The hypervisor's own memory.
struct Layout {
    PhysicalAddress hidden_begin, hidden_end; ///< nobody else's
    PhysicalAddress window_begin, window_end; ///< of the pages that it provides to the root
    std::span<const MemoryRange> memory;      ///< as the root is told
};

/// Makes the partition that has the machine: all of the address space at its own addresses but for
/// what is hidden, all devices, and all ports but the hypervisor's console. Its processors'
/// interrupt controllers it reaches through the hypervisor. Once, before any of its VPs runs.
void make_root(const Options& options, const Layout& layout);

Partition& root_partition();
/// Of the VPs that it may have, one a processor, whether it has created them or not.
Vp& root_vp(u32 index);
const Options& root_options();
const Permissions& root_permissions();

} // namespace mshv::standin
