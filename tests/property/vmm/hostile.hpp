// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/planner.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mshv::test {

/// A small generator of texts made to break out of wherever they are put; the same seed gives the
/// same text.
class Hostile {
public:
    explicit Hostile(std::uint64_t seed) : state_(seed * 2 + 1) {}

    std::uint64_t next() {
        // xorshift64*
        state_ ^= state_ >> 12U;
        state_ ^= state_ << 25U;
        state_ ^= state_ >> 27U;
        return state_ * 0x2545f4914f6cdd1dULL;
    }
    bool chance(unsigned percent) { return next() % 100 < percent; }

    std::string text(std::size_t longest = 60) {
        static constexpr std::array<std::string_view, 28> pieces{",",
                                                                 ",,",
                                                                 "=",
                                                                 "\"",
                                                                 "\\",
                                                                 "'",
                                                                 "}",
                                                                 "{",
                                                                 "]}",
                                                                 "\n",
                                                                 " ",
                                                                 "-",
                                                                 "--",
                                                                 "-device",
                                                                 ",file=/etc/shadow",
                                                                 ",script=/tmp/p",
                                                                 "json:{\"driver\":\"nbd\"}",
                                                                 "$(id)",
                                                                 "`id`",
                                                                 ",snapshot=on",
                                                                 "\",\"driver\":\"x",
                                                                 "%n",
                                                                 "\t",
                                                                 "../",
                                                                 "/dev/fdset/1",
                                                                 "fd:3",
                                                                 "é",
                                                                 "字"};
        std::string out;
        while (out.size() < next() % longest) {
            if (chance(60)) {
                out += pieces[next() % pieces.size()];
            } else if (chance(90)) {
                out += static_cast<char>(0x20 + next() % 0x5f);
            } else {
                out += static_cast<char>(next()); // any byte, NUL and broken UTF-8 among them
            }
        }
        return out;
    }
    std::string path() { return chance(95) ? "/" + text() : text(); }

private:
    std::uint64_t state_;
};

/// A definition whose every free text is hostile; the words that only a table allows are fine, so
/// that the plan is often made.
inline vmm::qemu::PlanInput hostile_input(Hostile& h) {
    vmm::qemu::PlanInput input;
    auto& spec = input.spec;
    spec.name = h.chance(10) ? h.text() : "p1";
    spec.uuid = api::Uuid{};
    spec.memory.size = 64UL << 20U;
    spec.title = h.text();
    spec.description = h.text();
    spec.boot.kernel = input.boot.kernel = h.path();
    spec.boot.initrd = h.chance(50) ? h.path() : "";
    spec.boot.cmdline = h.text(200);
    for (std::uint64_t i = h.next() % 4; i > 0; --i) {
        api::Disk disk;
        disk.path = h.path();
        disk.serial = h.text(20);
        disk.target = h.text();
        disk.alias = h.chance(5) ? h.text() : "";
        disk.bus = h.chance(50) ? api::DiskBus::virtio : api::DiskBus::sata;
        disk.format = h.chance(50) ? api::DiskFormat::raw : api::DiskFormat::qcow2;
        if (disk.format == api::DiskFormat::qcow2 && h.chance(50)) {
            disk.backing.push_back({h.path(), api::DiskFormat::raw});
        }
        spec.devices.disks.push_back(disk);
    }
    if (h.chance(50)) {
        api::Nic nic;
        nic.mac = h.text(20);
        nic.target = h.chance(10) ? h.text(15) : "";
        nic.alias = h.chance(5) ? h.text() : "";
        if (h.chance(50)) {
            nic.source = api::NicSource::bridge;
            nic.bridge = h.chance(10) ? h.text(15) : "br0";
        }
        spec.devices.nics.push_back(nic);
    }
    for (std::uint64_t i = h.next() % 4; i > 0; --i) {
        spec.smbios.push_back({"system", h.chance(5) ? h.text() : "serial", h.text()});
        spec.smbios.push_back({"oemStrings", "", h.text()});
    }
    if (h.chance(30)) {
        spec.devices.graphics = api::VncGraphics{h.path()};
    }
    if (h.chance(5)) {
        spec.cpu.mode = api::CpuMode::custom;
        spec.cpu.model = h.text(12);
    }
    if (h.chance(5)) {
        spec.cpu.features.push_back({h.text(8), api::FeaturePolicy::require});
    }
    spec.devices.console = api::Console{};
    spec.devices.agent_channel = h.chance(50);
    spec.labels[h.text()] = h.text();
    input.id = static_cast<std::int64_t>(h.next() % 1000);
    input.incarnation = h.chance(5) ? h.text() : "i1";
    input.program = "/usr/bin/qemu-system-x86_64";
    input.version = {7, 2, 22};
    input.accelerator = {api::Accelerator::tcg, h.text()};
    input.folders = {"/run/mshv", "/var/log/mshv", "/var/lib/mshv"};
    return input;
}

} // namespace mshv::test
