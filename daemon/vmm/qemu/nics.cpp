// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/tap_name.hpp"
#include "daemon/vmm/qemu/builder.hpp"
#include "daemon/vmm/qemu/qmp.hpp"

namespace mshv::vmm::qemu {
namespace {

void add_backend(CommandBuilder& command, const api::Nic& nic, const std::string& name) {
    JsonObject backend;
    if (nic.source == api::NicSource::bridge) {
        domain::TapPlan tap;
        tap.target = command.next_target();
        tap.name = check_word(domain::tap_name(command.input().id, nic), "interface name");
        tap.bridge = check_word(nic.bridge, "bridge name");
        tap.mtu = nic.mtu;
        tap.link_up = nic.link_up;
        tap.vlan = nic.vlan;
        tap.inbound = nic.inbound;
        tap.outbound = nic.outbound;
        backend.text("type", "tap").text("id", name).text("fd", std::to_string(tap.target));
        command.plan().taps.push_back(std::move(tap));
    } else {
        backend.text("type", "user").text("id", name);
    }
    command.json("-netdev", backend);
    if (!nic.link_up) { // no option says it
        command.plan().setup.push_back(set_link(name, false));
    }
}

void add_device(CommandBuilder& command, const api::Nic& nic, const std::string& backend,
                std::optional<unsigned> boot_index) {
    JsonObject device;
    if (nic.model == api::NicModel::virtio) {
        device = command.virtio_behind_port("virtio-net", nic.alias);
        if (nic.mtu) {
            device.number("host_mtu", *nic.mtu);
        }
    } else {
        device.text("driver", api::to_name(nic.model)).text("id", nic.alias);
        device.text("bus",
                    behind_port(nic.model) ? command.port() : std::string(command.root_bus()));
    }
    device.text("netdev", backend).text("mac", nic.mac);
    if (boot_index) {
        device.number("bootindex", *boot_index);
    } else if (!command.mmio()) {
        device.text("romfile", ""); // only a network boot needs the option ROM
    }
    command.device(device);
}

void add_nic_with(CommandBuilder& command, const api::Nic& nic,
                  std::optional<unsigned> boot_index) {
    // QEMU's set_link looks for NICs and backends by one name. No alias has a dot.
    const std::string backend = alias_or(nic.alias, "") + ".net";
    add_backend(command, nic, backend);
    add_device(command, nic, backend, boot_index);
}

} // namespace

bool behind_port(api::NicModel model) {
    // rtl8139 and e1000 are conventional PCI: the root bus takes them, a port would not.
    return model == api::NicModel::virtio || model == api::NicModel::e1000e;
}

std::string set_link(const std::string& backend, bool up) {
    return qmp_command("set_link", JsonObject().text("name", backend).flag("up", up).str());
}

void add_nics(CommandBuilder& command, const BootOrder& order) {
    const auto& nics = command.input().spec.devices.nics;
    for (std::size_t i = 0; i < nics.size(); ++i) {
        auto nic = nics[i];
        nic.alias = alias_or(nic.alias, "net" + std::to_string(i));
        add_nic_with(command, nic, order.nic(i));
    }
}

void add_another_nic(CommandBuilder& command, const api::Nic& nic) {
    add_nic_with(command, nic, std::nullopt);
}

} // namespace mshv::vmm::qemu
