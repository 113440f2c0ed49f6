// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mshv::fakevmm {

/// What the fake says that it can be made of: the answer to qom-list-types, as JSON.
inline std::string device_types() {
    std::string list = "[";
    for (const char* name : {"virtio-blk-pci",
                             "virtio-net-pci",
                             "virtio-rng-pci",
                             "virtio-balloon-pci",
                             "virtio-serial-pci",
                             "virtio-scsi-pci",
                             "virtconsole",
                             "virtserialport",
                             "isa-serial",
                             "pvpanic-pci",
                             "pvpanic",
                             "pcie-root-port",
                             "qemu-xhci",
                             "usb-tablet",
                             "usb-kbd",
                             "ide-hd",
                             "ide-cd",
                             "scsi-hd",
                             "scsi-cd",
                             "virtio-vga",
                             "VGA",
                             "bochs-display",
                             "i6300esb",
                             "vmgenid",
                             "e1000",
                             "e1000e",
                             "ich9-ahci",
                             "virtio-blk-device",
                             "virtio-net-device",
                             "virtio-rng-device",
                             "virtio-balloon-device",
                             "virtio-serial-device"}) {
        list += std::string(list.size() > 1 ? ", " : "") + R"({"name": ")" + name + "\"}";
    }
    return list + "]";
}

} // namespace mshv::fakevmm
