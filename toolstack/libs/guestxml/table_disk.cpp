// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/io_limits.hpp"
#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/table.hpp"

namespace mshv::guestxml {
namespace {

using namespace api;

constexpr std::string_view local_only = "disks are local files and block devices in this release";
constexpr std::string_view no_encryption = "encrypted images are not in this release";
constexpr std::string_view no_virtqueues = "the queue's details are the VMM's in this release";
constexpr std::string_view no_policy = "a guest sees every disk error in this release";
constexpr std::string_view only_formats = "only raw and qcow2 images are in this release";
constexpr std::string_view other_formats =
    "vhdx vpc vmdk vdi qed qcow cow cloop dmg bochs luks iso dir fat parallels aio";

// No ?: between the two: g++ 12 then writes to a copy.
template <auto Limit, auto Part>
void set_limit(Build& b, const Value& v) {
    std::optional<IoLimit>& limit = (*b.disk().iotune).*Limit;
    if (!limit) {
        limit.emplace();
    }
    (*limit).*Part = v.number;
}
template <auto Limit, auto Part>
constexpr Row limit_row(std::string_view path, std::string_view doc, std::string_view unit) {
    return row(path, Type::number, doc)
        .up_to(most_io)
        .in(unit)
        .by_default(unit == "s" ? "1" : "0")
        .to(set_limit<Limit, Part>);
}

constexpr Row rows[] = {
    row("devices", Type::none, "What the guest finds"),
    row("devices/emulator", Type::path, "VMM program")
        .by_default("chosen by mshv/vmm")
        .to([](Build& b, const Value& v) { b.spec.devices.emulator = v.text; }),

    row("devices/disk", Type::none, "A disk or CD drive").many().to([](Build& b, const Value& v) {
        b.spec.devices.disks.emplace_back();
        b.disk_nodes.push_back(v.node);
        b.disk_bus_given.push_back(false);
    }),
    row("devices/disk/@type", Type::choice, "File or block device")
        .of(words_of<DiskSource>())
        .refuses("network volume dir nvme vhostuser vhostvdpa", local_only, "file")
        .by_default("file")
        .to([](Build& b, const Value& v) { b.disk().source = v.as<DiskSource>(); }),
    row("devices/disk/@device", Type::choice, "What the guest sees")
        .of(words_of<DiskDevice>())
        .refuses("floppy lun", "floppy drives and passed-through SCSI are not in this release",
                 "disk")
        .by_default("disk")
        .to([](Build& b, const Value& v) { b.disk().device = v.as<DiskDevice>(); }),
    row("devices/disk/@model", Type::choice, "Only virtio")
        .of("virtio")
        .refuses("virtio-transitional virtio-non-transitional", "only virtio is in this release",
                 "virtio")
        .no_effect(),
    refused("devices/disk/@snapshot", "snapshots are not in this release"),
    refused("devices/disk/@rawio", "passed-through SCSI is not in this release"),
    refused("devices/disk/@sgio", "passed-through SCSI is not in this release"),
    row("devices/disk/driver", Type::none, "How the image is read"),
    row("devices/disk/driver/@name", Type::choice, "Only qemu").of("qemu").no_effect(),
    row("devices/disk/driver/@type", Type::choice, "Format of the image; never probed")
        .of(words_of<DiskFormat>())
        .refuses(other_formats, only_formats, "raw")
        .by_default("raw")
        .to([](Build& b, const Value& v) { b.disk().format = v.as<DiskFormat>(); }),
    row("devices/disk/driver/@cache", Type::choice, "Use of the host's page cache")
        .of(words_of<DiskCache>())
        .refuses("default", "the default has a name", "none")
        .by_default("none")
        .to([](Build& b, const Value& v) { b.disk().cache = v.as<DiskCache>(); }),
    row("devices/disk/driver/@io", Type::choice, "How requests reach the host's kernel")
        .of("threads native io_uring")
        .by_default("the VMM's best")
        .to([](Build& b, const Value& v) { b.disk().io = v.as<DiskIo>(); }),
    row("devices/disk/driver/@discard", Type::choice, "Are discards passed to the image")
        .of("unmap ignore")
        .by_default("ignore")
        .to([](Build& b, const Value& v) { b.disk().discard = v.text == "unmap"; }),
    row("devices/disk/driver/@detect_zeroes", Type::choice, "Are written zeroes found")
        .of("on off")
        .refuses("unmap", "zeroes are not turned into discards in this release", "on")
        .by_default("off")
        .to([](Build& b, const Value& v) { b.disk().detect_zeroes = v.text == "on"; }),
    row("devices/disk/driver/@queues", Type::number, "Virtqueues")
        .from(1, 1024)
        .by_default("the VMM's own")
        .to([](Build& b, const Value& v) { b.disk().queues = v.small(); }),
    refused("devices/disk/driver/@error_policy", no_policy),
    refused("devices/disk/driver/@rerror_policy", no_policy),
    refused("devices/disk/driver/@queue_size", no_virtqueues),
    refused("devices/disk/driver/@iothread", no_virtqueues, "<iothreads>"),
    refused("devices/disk/driver/@iommu|ats|packed|page_per_vq|event_idx|ioeventfd|copy_on_read",
            no_virtqueues),
    refused("devices/disk/driver/metadata_cache|iothreads|statistics", no_virtqueues),
    row("devices/disk/source", Type::none, "The image; absent: a CD drive without medium"),
    row("devices/disk/source/@file", Type::path, "Image file, with type='file'"),
    row("devices/disk/source/@dev", Type::path, "Block device, with type='block'"),
    row("devices/disk/source/@startupPolicy", Type::choice, "Only mandatory")
        .of("mandatory")
        .refuses("requisite optional", "a missing image is always an error", "mandatory")
        .no_effect(),
    row("devices/disk/source/@index", Type::number, "Written by libvirt's dumpxml").no_effect(),
    refused("devices/disk/source/encryption", no_encryption),
    refused("devices/disk/source/reservations|slices|initiator|host|snapshot|config|auth|address|"
            "cookies|readahead|timeout|seclabel|ssl|reconnect|identity|nfs|knownHosts|dataStore",
            local_only),
    refused(
        "devices/disk/source/@protocol|name|pool|volume|mode|dir|managed|namespace|type|query|tls|"
        "tlsHostname|fdgroup",
        local_only),
    row("devices/disk/backingStore", Type::none,
        "The image below a qcow2 image; only what is "
        "declared here is ever opened")
        .nests(),
    row("devices/disk/backingStore/@type", Type::choice, "File or block device")
        .of(words_of<DiskSource>())
        .refuses("network volume dir nvme vhostuser vhostvdpa", local_only, "file")
        .by_default("file"),
    row("devices/disk/backingStore/@index", Type::number, "Written by libvirt's dumpxml")
        .no_effect(),
    row("devices/disk/backingStore/format", Type::none, "Its format"),
    row("devices/disk/backingStore/format/@type", Type::choice, "Never probed")
        .required()
        .of(words_of<DiskFormat>())
        .refuses(other_formats, only_formats, "raw"),
    row("devices/disk/backingStore/source", Type::none, "The image below"),
    row("devices/disk/backingStore/source/@file", Type::path, "Image file"),
    row("devices/disk/backingStore/source/@dev", Type::path, "Block device"),
    row("devices/disk/backingStore/source/@index", Type::number, "Written by libvirt's dumpxml")
        .no_effect(),
    refused("devices/disk/backingStore/source/reservations|slices|initiator|host|snapshot|config|"
            "auth|address|cookies|encryption",
            local_only),
    row("devices/disk/target", Type::none, "Where the guest finds it").required(),
    row("devices/disk/target/@dev", Type::token, "vda, sda …; unique")
        .required()
        .up_to(15)
        .to([](Build& b, const Value& v) { b.disk().target = v.text; }),
    row("devices/disk/target/@bus", Type::choice, "Controller")
        .of(words_of<DiskBus>())
        .refuses("scsi ide nvme usb fdc xen sd uml", "only virtio and sata are in this release",
                 "virtio")
        .by_default("from dev: vd is virtio, sd is sata")
        .to([](Build& b, const Value& v) {
            b.disk().bus = v.as<DiskBus>();
            b.disk_bus_given.back() = true;
        }),
    row("devices/disk/target/@tray", Type::choice, "Only closed")
        .of("closed")
        .refuses("open", "a tray is closed at start", "closed")
        .no_effect(),
    row("devices/disk/target/@removable", Type::choice, "Only off")
        .of("off")
        .refuses("on", "removable disks are not in this release", "off")
        .no_effect(),
    refused("devices/disk/target/@rotation_rate", "the rotation rate is not shown to a guest"),
    row("devices/disk/readonly", Type::flag, "The guest cannot write; always so for a cdrom")
        .to([](Build& b, const Value&) { b.disk().read_only = true; }),
    row("devices/disk/shareable", Type::flag, "Several partitions may write at once")
        .to([](Build& b, const Value&) { b.disk().shareable = true; }),
    refused("devices/disk/transient", "disks that forget are not in this release"),
    row("devices/disk/serial", Type::token, "Serial number that the guest sees")
        .up_to(20)
        .to([](Build& b, const Value& v) { b.disk().serial = v.text; }),
    refused("devices/disk/wwn", "world wide names are not in this release", "<serial>"),
    refused("devices/disk/vendor", "SCSI names are not in this release", "<serial>"),
    refused("devices/disk/product", "SCSI names are not in this release", "<serial>"),
    row("devices/disk/boot", Type::none, "Place in the boot order"),
    row("devices/disk/boot/@order", Type::number, "1 is tried first; unique")
        .required()
        .from(1, 1024)
        .to([](Build& b, const Value& v) { b.disk().boot_order = v.small(); }),
    refused("devices/disk/boot/@loadparm", "s390 boot parameters are not for this architecture"),
    row("devices/disk/iotune", Type::none, "What its transfers are held to; 0 = none")
        .to([](Build& b, const Value&) { b.disk().iotune.emplace(); }),
    limit_row<&IoTune::total_bytes, &IoLimit::per_second>("devices/disk/iotune/total_bytes_sec",
                                                          "Read and written together", "B/s"),
    limit_row<&IoTune::total_bytes, &IoLimit::max>("devices/disk/iotune/total_bytes_sec_max",
                                                   "The same, for a while", "B/s"),
    limit_row<&IoTune::total_bytes, &IoLimit::max_length>(
        "devices/disk/iotune/total_bytes_sec_max_length", "For how long", "s"),
    limit_row<&IoTune::read_bytes, &IoLimit::per_second>("devices/disk/iotune/read_bytes_sec",
                                                         "Read", "B/s"),
    limit_row<&IoTune::read_bytes, &IoLimit::max>("devices/disk/iotune/read_bytes_sec_max",
                                                  "The same, for a while", "B/s"),
    limit_row<&IoTune::read_bytes, &IoLimit::max_length>(
        "devices/disk/iotune/read_bytes_sec_max_length", "For how long", "s"),
    limit_row<&IoTune::write_bytes, &IoLimit::per_second>("devices/disk/iotune/write_bytes_sec",
                                                          "Written", "B/s"),
    limit_row<&IoTune::write_bytes, &IoLimit::max>("devices/disk/iotune/write_bytes_sec_max",
                                                   "The same, for a while", "B/s"),
    limit_row<&IoTune::write_bytes, &IoLimit::max_length>(
        "devices/disk/iotune/write_bytes_sec_max_length", "For how long", "s"),
    limit_row<&IoTune::total_iops, &IoLimit::per_second>("devices/disk/iotune/total_iops_sec",
                                                         "Requests of both kinds", "1/s"),
    limit_row<&IoTune::total_iops, &IoLimit::max>("devices/disk/iotune/total_iops_sec_max",
                                                  "The same, for a while", "1/s"),
    limit_row<&IoTune::total_iops, &IoLimit::max_length>(
        "devices/disk/iotune/total_iops_sec_max_length", "For how long", "s"),
    limit_row<&IoTune::read_iops, &IoLimit::per_second>("devices/disk/iotune/read_iops_sec",
                                                        "Requests to read", "1/s"),
    limit_row<&IoTune::read_iops, &IoLimit::max>("devices/disk/iotune/read_iops_sec_max",
                                                 "The same, for a while", "1/s"),
    limit_row<&IoTune::read_iops, &IoLimit::max_length>(
        "devices/disk/iotune/read_iops_sec_max_length", "For how long", "s"),
    limit_row<&IoTune::write_iops, &IoLimit::per_second>("devices/disk/iotune/write_iops_sec",
                                                         "Requests to write", "1/s"),
    limit_row<&IoTune::write_iops, &IoLimit::max>("devices/disk/iotune/write_iops_sec_max",
                                                  "The same, for a while", "1/s"),
    limit_row<&IoTune::write_iops, &IoLimit::max_length>(
        "devices/disk/iotune/write_iops_sec_max_length", "For how long", "s"),
    refused("devices/disk/iotune/size_iops_sec|group_name",
            "each disk has limits of its own, which count requests of any size"),
    refused("devices/disk/throttlefilters", "limits of several disks are not in this release",
            "<iotune>"),
    row("devices/disk/blockio", Type::none, "Sector sizes that the guest sees"),
    row("devices/disk/blockio/@logical_block_size", Type::number, "A power of two")
        .from(512, 32768)
        .in("bytes")
        .by_default("the VMM's own")
        .to([](Build& b, const Value& v) { b.disk().logical_block_size = v.small(); }),
    row("devices/disk/blockio/@physical_block_size", Type::number, "A power of two")
        .from(512, 32768)
        .in("bytes")
        .by_default("the VMM's own")
        .to([](Build& b, const Value& v) { b.disk().physical_block_size = v.small(); }),
    refused("devices/disk/blockio/@discard_granularity", no_virtqueues),
    row("devices/disk/alias", Type::none, "The administrator's own name of the device"),
    row("devices/disk/alias/@name", Type::token,
        "Starts with ua-; unique. Others are libvirt's "
        "generated ones and not kept")
        .required()
        .up_to(64)
        .to([](Build& b, const Value& v) {
            b.disk().alias = v.text.starts_with("ua-") ? v.string() : std::string();
        }),
    refused("devices/disk/encryption", no_encryption),
    refused("devices/disk/auth", local_only),
    refused("devices/disk/mirror", "block jobs are not in this release"),
    refused("devices/disk/geometry", "disk geometry is not in this release"),
    refused("devices/disk/acpi", "ACPI indices are not in this release"),
};

} // namespace

std::span<const Row> disk_rows() {
    return rows;
}

} // namespace mshv::guestxml
