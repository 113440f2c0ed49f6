// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/builder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace mshv::vmm::qemu {
namespace {

// Ports stand from slot 16 of the root bus on, eight functions to a slot, so that QEMU's own
// choice of slots for other devices (lowest free first) never meets them.
constexpr unsigned first_port_slot = 16;
constexpr unsigned functions_per_slot = 8;
constexpr unsigned most_ports = 15 * functions_per_slot;

std::string port_address(unsigned index) {
    std::array<char, 8> slot{};
    const auto end = std::to_chars(slot.data(), slot.data() + slot.size(),
                                   first_port_slot + index / functions_per_slot, 16);
    return std::string(slot.data(), end.ptr) + "." + std::to_string(index % functions_per_slot);
}

} // namespace

std::string check_word(const std::string& text, std::string_view what) {
    const auto good = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '+' || c == '-';
    };
    if (text.empty() || !std::all_of(text.begin(), text.end(), good)) {
        throw api::Error(api::ErrorCode::invalid,
                         "The " + std::string(what) + " '" + text +
                             "' has characters that are not allowed",
                         "use letters, digits and . _ + - only");
    }
    return text;
}

std::string alias_or(const std::string& alias, const std::string& generated) {
    if (alias.empty()) {
        return generated;
    }
    const char first = alias.front();
    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z'))) {
        throw api::Error(api::ErrorCode::invalid,
                         "The alias '" + alias + "' does not begin with a letter",
                         "begin it with ua-");
    }
    return check_word(alias, "alias");
}

CommandBuilder::CommandBuilder(const PlanInput& input) : input_(input) {
    plan_.argv.push_back(input.program);
}

CommandBuilder::CommandBuilder(const PlanInput& input, const Taken& taken)
    : input_(input), next_target_(taken.next_target), next_set_(taken.next_set), adding_(true),
      free_port_(taken.free_port) {}

void add_spare_ports(CommandBuilder& command) {
    const bool q35 = command.input().spec.boot.machine == api::Machine::q35;
    for (unsigned i = 0; q35 && i < spare_ports && command.more_ports(); ++i) {
        command.port();
    }
}

void CommandBuilder::path(std::string_view name, const std::string& path) {
    if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos) {
        throw api::Error(api::ErrorCode::invalid, "'" + path + "' is not an absolute path",
                         "write paths from / on");
    }
    option(name, path);
    plan_.readable_paths.push_back({path, plan_.argv.size() - 1});
}

std::string CommandBuilder::file(domain::FilePlan file) {
    if (file.path.empty() || file.path.front() != '/' ||
        file.path.find('\0') != std::string::npos) {
        throw api::Error(api::ErrorCode::invalid, "'" + file.path + "' is not an absolute path",
                         "write paths from / on");
    }
    file.target = next_target();
    const int set = next_set_++;
    option("-add-fd", "fd=" + std::to_string(file.target) + ",set=" + std::to_string(set));
    plan_.files.push_back(std::move(file));
    return "/dev/fdset/" + std::to_string(set);
}

std::string CommandBuilder::virtio_driver(std::string_view stem) const {
    return std::string(stem) + (mmio() ? "-device" : "-pci");
}

std::string_view CommandBuilder::root_bus() const {
    return input_.spec.boot.machine == api::Machine::pc ? "pci.0" : "pcie.0";
}

JsonObject CommandBuilder::virtio(std::string_view stem, std::string_view id) const {
    JsonObject device;
    device.text("driver", virtio_driver(stem)).text("id", id);
    if (!mmio()) {
        // Modern virtio only: mshv has no I/O port event descriptors.
        device.text("bus", root_bus()).text("disable-legacy", "on");
    }
    return device;
}

JsonObject CommandBuilder::virtio_behind_port(std::string_view stem, std::string_view id) {
    JsonObject device;
    device.text("driver", virtio_driver(stem)).text("id", id);
    if (!mmio()) {
        device.text("bus", port()).text("disable-legacy", "on");
    }
    return device;
}

bool CommandBuilder::more_ports() const {
    return ports_ < most_ports;
}

std::string CommandBuilder::port() {
    if (input_.spec.boot.machine != api::Machine::q35) {
        return std::string(root_bus());
    }
    if (adding_) {
        if (!free_port_) {
            throw api::Error(
                api::ErrorCode::no_resource,
                "No PCIe port of the partition is free for another device",
                "detach one, or add it to the definition and start the partition anew");
        }
        return *free_port_;
    }
    if (!more_ports()) {
        throw api::Error(api::ErrorCode::invalid,
                         "The partition has more than " + std::to_string(most_ports) + " devices");
    }
    const unsigned index = ports_++;
    const std::string id = "rp" + std::to_string(index);
    JsonObject port;
    port.text("driver", "pcie-root-port").text("id", id).text("bus", "pcie.0");
    port.text("addr", port_address(index)).number("chassis", index + 1).number("io-reserve", 0);
    if (index % functions_per_slot == 0) {
        port.flag("multifunction", true);
    }
    device(port);
    return id;
}

BootOrder::BootOrder(const api::PartitionSpec& spec)
    : disks_(spec.devices.disks.size()), nics_(spec.devices.nics.size()) {
    bool any = false;
    for (std::size_t i = 0; i < disks_.size(); ++i) {
        disks_[i] = spec.devices.disks[i].boot_order;
        any = any || disks_[i];
    }
    for (std::size_t i = 0; i < nics_.size(); ++i) {
        nics_[i] = spec.devices.nics[i].boot_order;
        any = any || nics_[i];
    }
    if (!any) {
        by_kind(spec);
    }
}

void BootOrder::by_kind(const api::PartitionSpec& spec) {
    unsigned next = 1;
    auto order = spec.boot.order;
    if (order.empty() && spec.boot.kernel.empty()) {
        order = {api::BootDevice::hd, api::BootDevice::cdrom};
    }
    for (const auto kind : order) {
        if (kind == api::BootDevice::network) {
            for (auto& nic : nics_) {
                nic = nic ? nic : std::optional(next++);
            }
            continue;
        }
        const auto wanted =
            kind == api::BootDevice::cdrom ? api::DiskDevice::cdrom : api::DiskDevice::disk;
        for (std::size_t i = 0; i < disks_.size(); ++i) {
            if (spec.devices.disks[i].device == wanted && !disks_[i]) {
                disks_[i] = next++;
            }
        }
    }
}

std::optional<unsigned> BootOrder::disk(std::size_t index) const {
    return disks_[index];
}
std::optional<unsigned> BootOrder::nic(std::size_t index) const {
    return nics_[index];
}

} // namespace mshv::vmm::qemu
