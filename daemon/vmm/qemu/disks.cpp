// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/builder.hpp"
#include "daemon/vmm/qemu/settings.hpp"

namespace mshv::vmm::qemu {
namespace {

bool is_direct(api::DiskCache cache) {
    return cache == api::DiskCache::none || cache == api::DiskCache::directsync;
}

/// The node that reads or writes the file itself.
void file_node(CommandBuilder& command, const std::string& node, domain::FilePlan file,
               const api::Disk& disk, bool read_only) {
    JsonObject json;
    json.text("driver", file.block_device ? "host_device" : "file").text("node-name", node);
    json.text("filename", command.file(std::move(file)));
    json.flag("read-only", read_only).flag("auto-read-only", false);
    json.object("cache", JsonObject()
                             .flag("direct", is_direct(disk.cache))
                             .flag("no-flush", disk.cache == api::DiskCache::unsafe));
    json.text("aio", disk.io == api::DiskIo::native     ? "native"
                     : disk.io == api::DiskIo::io_uring ? "io_uring"
                                                        : "threads");
    if (disk.discard && !read_only) {
        json.text("discard", "unmap");
    }
    command.json("-blockdev", json);
}

/// The node that knows the format, named `node`; its format is what was declared, never a guess.
void format_node(CommandBuilder& command, const std::string& node, api::DiskFormat format,
                 const api::Disk& disk, bool read_only, const std::string& backing) {
    JsonObject json;
    json.text("driver", api::to_name(format)).text("node-name", node);
    json.text("file", node + "-file").flag("read-only", read_only);
    if (format == api::DiskFormat::qcow2) {
        // Without this QEMU would open whatever the image's header names.
        if (backing.empty()) {
            json.null("backing");
        } else {
            json.text("backing", backing);
        }
    }
    if (!read_only && disk.discard) {
        json.text("discard", "unmap");
    }
    if (!read_only && disk.detect_zeroes) {
        json.text("detect-zeroes", disk.discard ? "unmap" : "on");
    }
    command.json("-blockdev", json);
}

class SataPorts {
public:
    /// The bus of the next port; makes a controller for each six.
    std::string next(CommandBuilder& command) {
        const std::string controller = "sata" + std::to_string(used_ / 6);
        if (used_ % 6 == 0) {
            command.device(JsonObject()
                               .text("driver", "ich9-ahci")
                               .text("id", controller)
                               .text("bus", command.root_bus()));
        }
        return controller + "." + std::to_string(used_++ % 6);
    }

private:
    unsigned used_ = 0;
};

JsonObject virtio_disk(CommandBuilder& command, const api::Disk& disk, const std::string& id,
                       std::size_t index) {
    JsonObject device = command.virtio_behind_port("virtio-blk", id);
    if (disk.queues) {
        device.number("num-queues", *disk.queues);
    }
    if (const unsigned threads = command.input().spec.iothreads; threads != 0) {
        device.text("iothread", "iothread" + std::to_string(index % threads));
    }
    return device;
}

JsonObject sata_disk(const api::Disk& disk, const std::string& id, const std::string& bus) {
    JsonObject device;
    device.text("driver", disk.device == api::DiskDevice::cdrom ? "ide-cd" : "ide-hd");
    device.text("id", id).text("bus", bus);
    return device;
}

/// The device of a disk, above its blocks if it has some.
void disk_device(CommandBuilder& command, const api::Disk& disk, JsonObject device,
                 const std::string& id, const std::string& node,
                 std::optional<unsigned> boot_index) {
    if (!disk.path.empty()) {
        device.text("drive", node);
    }
    if (!disk.serial.empty()) {
        device.text("serial", disk.serial);
    }
    if (disk.shareable) {
        device.flag("share-rw", true);
    }
    if (disk.device == api::DiskDevice::disk) {
        const bool write_through =
            disk.cache == api::DiskCache::writethrough || disk.cache == api::DiskCache::directsync;
        device.text("write-cache", write_through ? "off" : "on");
        if (disk.logical_block_size) {
            device.number("logical_block_size", *disk.logical_block_size);
        }
        if (disk.physical_block_size) {
            device.number("physical_block_size", *disk.physical_block_size);
        }
    }
    if (boot_index) {
        device.number("bootindex", *boot_index);
    }
    command.device(device);
    if (disk.iotune) { // no option of the device says it
        const bool on_pci = disk.bus == api::DiskBus::virtio && !command.mmio();
        command.plan().setup.push_back(
            limits_command(limited_id(on_pci ? "virtio-blk-pci" : "", id), disk.iotune));
    }
}

} // namespace

void add_medium(CommandBuilder& command, const api::Disk& disk, const std::string& node) {
    const bool read_only = disk.read_only || disk.device == api::DiskDevice::cdrom;
    std::string below;
    // QEMU wants a backing node before the one above it: the farthest first.
    for (std::size_t i = disk.backing.size(); i-- > 0;) {
        const std::string name = node + "-back" + std::to_string(i);
        domain::FilePlan file;
        file.path = disk.backing[i].path;
        file.format = disk.backing[i].format;
        file.backing = i + 1 < disk.backing.size();
        file.direct = is_direct(disk.cache);
        file_node(command, name + "-file", std::move(file), disk, true);
        format_node(command, name, disk.backing[i].format, disk, true, below);
        below = name;
    }
    domain::FilePlan file;
    file.path = disk.path;
    file.format = disk.format;
    file.backing = !disk.backing.empty();
    file.writable = !read_only;
    file.block_device = disk.source == api::DiskSource::block;
    file.direct = is_direct(disk.cache);
    file_node(command, node + "-file", std::move(file), disk, read_only);
    format_node(command, node, disk.format, disk, read_only, below);
}

void add_disks(CommandBuilder& command, const BootOrder& order) {
    const auto& disks = command.input().spec.devices.disks;
    SataPorts sata;
    for (std::size_t i = 0; i < disks.size(); ++i) {
        const auto& disk = disks[i];
        const std::string node = "disk" + std::to_string(i);
        const std::string id = alias_or(disk.alias, node);
        if (!disk.path.empty()) {
            add_medium(command, disk, node);
        }
        disk_device(command, disk,
                    disk.bus == api::DiskBus::virtio ? virtio_disk(command, disk, id, i)
                                                     : sata_disk(disk, id, sata.next(command)),
                    id, node, order.disk(i));
    }
}

void add_another_disk(CommandBuilder& command, const api::Disk& disk, const std::string& node,
                      std::size_t index) {
    add_medium(command, disk, node);
    const std::string id = alias_or(disk.alias, node);
    disk_device(command, disk, virtio_disk(command, disk, id, index), id, node, std::nullopt);
}

} // namespace mshv::vmm::qemu
