// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/checker.hpp"
#include "toolstack/libs/api/io_limits.hpp"

namespace mshv::domain {
namespace {

struct Seen {
    std::set<std::string> targets, aliases, writers, macs, taps, boot_orders;
};

void boot_order(const std::string& where, const std::optional<unsigned>& order, Checker& check,
                Seen& seen) {
    if (order) {
        check.range(where, *order, 1U, 9999U);
        check.unique(seen.boot_orders, where, std::to_string(*order));
    }
}

void block_size(const std::string& where, const std::optional<unsigned>& size, Checker& check) {
    if (size && (*size < 512 || *size > 2 * mebibyte || (*size & (*size - 1)) != 0)) {
        check.fault("E-RANGE", where, std::to_string(*size) + " is no power of two from 512 on");
    }
}

void disk(const api::Disk& disk, const std::string& at, Checker& check, Seen& seen) {
    const bool empty_drive = disk.device == api::DiskDevice::cdrom && disk.path.empty();
    if (!empty_drive) {
        check.path(at + "path", disk.path);
    }
    check.word(at + "target", disk.target, 16, "");
    check.unique(seen.targets, at + "target", disk.target);
    check.word(at + "alias", disk.alias, 64, "_-");
    check.unique(seen.aliases, at + "alias", disk.alias);
    const bool writes = !disk.read_only && disk.device == api::DiskDevice::disk;
    if (writes && !disk.shareable) {
        check.unique(seen.writers, at + "path", disk.path);
    }
    if (!disk.backing.empty() && disk.format != api::DiskFormat::qcow2) {
        check.fault("E-CONFLICT", at + "backing", "only a qcow2 image has backing files");
    }
    check.at_most(at + "backing", disk.backing.size(), max_backing, "backing files");
    for (std::size_t i = 0; i < disk.backing.size(); ++i) {
        check.path(at + "backing/" + std::to_string(i) + "/path", disk.backing[i].path);
    }
    if (!disk.serial.empty()) {
        check.word(at + "serial", disk.serial, 36, "._+-");
    }
    if (disk.queues) {
        check.range(at + "queues", *disk.queues, 1U, 256U);
    }
    block_size(at + "logical_block_size", disk.logical_block_size, check);
    block_size(at + "physical_block_size", disk.physical_block_size, check);
    boot_order(at + "boot_order", disk.boot_order, check, seen);
    if (disk.iotune) {
        for (const auto& fault : api::faults_of(*disk.iotune)) {
            check.fault("E-CONFLICT", at + "iotune", fault.message);
        }
        if (empty_drive) {
            check.fault("E-CONFLICT", at + "iotune", "an empty drive has no limits");
        }
    }
}

bool is_unicast_mac(std::string_view mac) {
    if (mac.size() != 17) {
        return false;
    }
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const char c = mac[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (i % 3 == 2 ? c != ':' : !hex) {
            return false;
        }
    }
    // The lowest bit of the first octet marks a group address.
    return std::string_view("02468ace").find(mac[1]) != std::string_view::npos &&
           mac != "00:00:00:00:00:00";
}

void rate(const std::string& where, const std::optional<api::NicRate>& rate, Checker& check) {
    constexpr std::uint64_t fastest = 1'000'000'000;
    if (!rate) {
        return;
    }
    check.range(where + "/average", rate->average, 1U, fastest);
    check.range(where + "/peak", rate->peak, 0U, fastest);
    check.range(where + "/burst", rate->burst, 0U, fastest);
    if (rate->peak != 0 && rate->peak < rate->average) {
        check.fault("E-CONFLICT", where + "/peak", "is below the average");
    }
}

void nic(const api::Nic& nic, const std::string& at, Checker& check, Seen& seen) {
    if (nic.source == api::NicSource::bridge) {
        check.interface(at + "bridge", nic.bridge);
    } else if (!nic.bridge.empty()) {
        check.fault("E-CONFLICT", at + "bridge", "is only possible with source bridge");
    }
    if (!is_unicast_mac(nic.mac)) {
        check.fault("E-MAC", at + "mac", "is no unicast MAC address xx:xx:xx:xx:xx:xx",
                    "leave it out to have one made");
    }
    check.unique(seen.macs, at + "mac", nic.mac);
    if (!nic.target.empty()) {
        check.interface(at + "target", nic.target);
        check.unique(seen.taps, at + "target", nic.target);
    }
    check.word(at + "alias", nic.alias, 64, "_-");
    check.unique(seen.aliases, at + "alias", nic.alias);
    if (nic.mtu) {
        check.range(at + "mtu", *nic.mtu, 68U, 65'535U);
    }
    if (nic.queues) {
        check.range(at + "queues", *nic.queues, 1U, 256U);
    }
    if (nic.vlan) {
        check.range(at + "vlan", *nic.vlan, 1U, 4094U);
    }
    rate(at + "inbound", nic.inbound, check);
    rate(at + "outbound", nic.outbound, check);
    if (nic.source != api::NicSource::bridge && (nic.vlan || nic.inbound || nic.outbound)) {
        check.fault("E-CONFLICT",
                    at + (nic.vlan      ? "vlan"
                          : nic.inbound ? "inbound"
                                        : "outbound"),
                    "is only possible with source bridge");
    }
    boot_order(at + "boot_order", nic.boot_order, check, seen);
}

} // namespace

void validate_devices(const api::Devices& devices, Checker& check) {
    Seen seen;
    check.optional_path("devices/emulator", devices.emulator);
    check.at_most("devices/disks", devices.disks.size(), max_disks, "disks");
    for (std::size_t i = 0; i < std::min(devices.disks.size(), max_disks); ++i) {
        disk(devices.disks[i], "devices/disks/" + std::to_string(i) + '/', check, seen);
    }
    check.at_most("devices/nics", devices.nics.size(), max_nics, "NICs");
    for (std::size_t i = 0; i < std::min(devices.nics.size(), max_nics); ++i) {
        nic(devices.nics[i], "devices/nics/" + std::to_string(i) + '/', check, seen);
    }
    if (devices.console) {
        check.range("devices/console/ring", devices.console->ring, 4096U, 16 * mebibyte);
        check.range("devices/console/log_size", devices.console->log_size, 64 * 1024U,
                    1024 * mebibyte);
        check.range("devices/console/log_keep", devices.console->log_keep, 0U, 100U);
    }
    if (devices.graphics) {
        check.optional_path("devices/graphics/socket", devices.graphics->socket);
    }
}

} // namespace mshv::domain
