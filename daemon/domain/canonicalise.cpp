// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/canonicalise.hpp"

#include "toolstack/libs/api/cpu_set.hpp"
#include "toolstack/libs/api/io_limits.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

namespace mshv::domain {
namespace {

api::Uuid make_uuid(const Random& random) {
    api::Uuid uuid{};
    for (std::size_t half = 0; half < 2; ++half) {
        std::uint64_t bits = random();
        for (std::size_t i = 0; i < 8; ++i, bits >>= 8) {
            uuid.data[half * 8 + i] = static_cast<std::uint8_t>(bits);
        }
    }
    uuid.data[6] = static_cast<std::uint8_t>((uuid.data[6] & 0x0f) | 0x40); // version 4
    uuid.data[8] = static_cast<std::uint8_t>((uuid.data[8] & 0x3f) | 0x80); // RFC 4122
    return uuid;
}

/// 52:54:00, the prefix that QEMU and libvirt use, and three random octets.
std::string make_mac(const Random& random) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::uint64_t bits = random();
    std::string mac = "52:54:00";
    for (int i = 0; i < 3; ++i, bits >>= 8) {
        mac += ':';
        mac += digits[(bits >> 4) & 0xf];
        mac += digits[bits & 0xf];
    }
    return mac;
}

void lower(std::string& text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
}

/// A list that is none is left for the check.
void order_cpus(std::string& text) {
    if (const auto cpus = api::parse_cpu_set(text)) {
        text = api::format_cpu_set(*cpus);
    }
}

void order_pins(api::Cpu& cpu) {
    std::stable_sort(cpu.pins.begin(), cpu.pins.end(),
                     [](const api::CpuPin& a, const api::CpuPin& b) { return a.vcpu < b.vcpu; });
    for (auto& pin : cpu.pins) {
        order_cpus(pin.cpus);
    }
    order_cpus(cpu.emulator_cpus);
    if (cpu.pool == "Pool-0") {
        cpu.pool.clear();
    }
}

void name_disks(std::vector<api::Disk>& disks) {
    std::set<std::string> taken;
    for (const api::Disk& disk : disks) {
        taken.insert(disk.target);
        taken.insert(disk.alias);
    }
    for (std::size_t i = 0; i < disks.size(); ++i) {
        const char* prefix = disks[i].bus == api::DiskBus::virtio ? "vd" : "sd";
        for (char letter = 'a'; disks[i].target.empty() && letter <= 'z'; ++letter) {
            if (taken.insert(std::string(prefix) + letter).second) {
                disks[i].target = std::string(prefix) + letter;
            }
        }
        for (std::size_t n = i; disks[i].alias.empty(); ++n) {
            if (taken.insert("disk" + std::to_string(n)).second) {
                disks[i].alias = "disk" + std::to_string(n);
            }
        }
    }
}

bool name_nics(std::vector<api::Nic>& nics, const Random& random) {
    std::set<std::string> taken;
    for (api::Nic& nic : nics) {
        lower(nic.mac);
        taken.insert(nic.mac);
        taken.insert(nic.alias);
    }
    bool generated = false;
    for (std::size_t i = 0; i < nics.size(); ++i) {
        while (nics[i].mac.empty()) {
            generated = true;
            std::string mac = make_mac(random);
            if (taken.insert(mac).second) {
                nics[i].mac = std::move(mac);
            }
        }
        for (std::size_t n = i; nics[i].alias.empty(); ++n) {
            if (taken.insert("net" + std::to_string(n)).second) {
                nics[i].alias = "net" + std::to_string(n);
            }
        }
    }
    return generated;
}

} // namespace

Generated canonicalise(api::PartitionSpec& spec, const Random& random) {
    order_pins(spec.cpu);
    Generated generated;
    if (!spec.uuid) {
        spec.uuid = make_uuid(random);
        generated.uuid = true;
    }
    for (api::Disk& disk : spec.devices.disks) {
        api::normalise(disk.iotune);
    }
    name_disks(spec.devices.disks);
    generated.macs = name_nics(spec.devices.nics, random);
    return generated;
}

} // namespace mshv::domain
