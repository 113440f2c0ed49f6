// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/planner.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mshv::vmm::qemu {

/// Collects a command line. Its invariant: an option's text is either fixed here, or JSON, or an
/// argv element of its own, or passed check_word(), or went through option_value().
class CommandBuilder {
public:
    explicit CommandBuilder(const PlanInput& input);
    /// What a command that is there already has taken: for a device that is added to it.
    struct Taken {
        int next_target = 3;
        int next_set = 1;
        std::optional<std::string> free_port; ///< the only one that it may have
    };
    CommandBuilder(const PlanInput& input, const Taken& taken);

    void option(std::string_view name) { plan_.argv.emplace_back(name); }
    void option(std::string_view name, std::string_view value) {
        plan_.argv.emplace_back(name);
        plan_.argv.emplace_back(value);
    }
    void json(std::string_view name, const JsonObject& value) { option(name, value.str()); }
    /// An option whose value is a path that QEMU itself opens.
    void path(std::string_view name, const std::string& path);
    void device(const JsonObject& value) { json("-device", value); }

    /// The number that the next descriptor has in the VMM.
    int next_target() { return next_target_++; }
    /// Adds a file to the plan and an fd set for it; returns /dev/fdset/N.
    std::string file(domain::FilePlan file);

    /// Is this a machine without PCI?
    [[nodiscard]] bool mmio() const { return input_.spec.boot.machine == api::Machine::microvm; }
    /// The driver name of a virtio device on this machine: "virtio-blk" gives virtio-blk-pci …
    [[nodiscard]] std::string virtio_driver(std::string_view stem) const;
    /// A virtio device that may be unplugged later: behind a PCIe root port of its own on q35.
    JsonObject virtio_behind_port(std::string_view stem, std::string_view id);
    /// A virtio device that stays: on the root bus.
    [[nodiscard]] JsonObject virtio(std::string_view stem, std::string_view id) const;
    [[nodiscard]] std::string_view root_bus() const;
    [[nodiscard]] bool more_ports() const;
    /// Makes a root port (q35) and returns its bus; the root bus elsewhere.
    std::string port();

    [[nodiscard]] const PlanInput& input() const { return input_; }
    [[nodiscard]] domain::LaunchPlan& plan() { return plan_; }

private:
    const PlanInput& input_;
    domain::LaunchPlan plan_;
    int next_target_ = 3;
    int next_set_ = 1;
    unsigned ports_ = 0;
    bool adding_ = false;
    std::optional<std::string> free_port_;
};

/// Ports that stand empty for disks and NICs that come while the guest runs (q35).
inline constexpr unsigned spare_ports = 4;

/// `text` if it consists of [A-Za-z0-9._+-] only, else Error{invalid} naming `what`.
std::string check_word(const std::string& text, std::string_view what);

/// The device id that an alias stands for; `generated` where there is none.
std::string alias_or(const std::string& alias, const std::string& generated);

/// The boot index of each device, from per-device orders or the definition's list of device kinds.
class BootOrder {
public:
    explicit BootOrder(const api::PartitionSpec& spec);
    [[nodiscard]] std::optional<unsigned> disk(std::size_t index) const;
    [[nodiscard]] std::optional<unsigned> nic(std::size_t index) const;

private:
    void by_kind(const api::PartitionSpec& spec);
    std::vector<std::optional<unsigned>> disks_, nics_;
};

// devices.cpp, disks.cpp, nics.cpp
void add_disks(CommandBuilder& command, const BootOrder& order);
/// A virtio disk beside those that are there; `node` names its blocks.
void add_another_disk(CommandBuilder& command, const api::Disk& disk, const std::string& node,
                      std::size_t index);
/// The blocks of a disk's image, the uppermost of which is called `node`.
void add_medium(CommandBuilder& command, const api::Disk& disk, const std::string& node);
void add_spare_ports(CommandBuilder& command);
/// True when the model stands behind a port of its own, and so may come and go on q35, too.
bool behind_port(api::NicModel model);
/// The command that plugs a backend's cable in, or pulls it.
std::string set_link(const std::string& backend, bool up);
void add_nics(CommandBuilder& command, const BootOrder& order);
/// A NIC beside those that are there.
void add_another_nic(CommandBuilder& command, const api::Nic& nic);
/// cloud-init's seed, and its device's id.
void add_seed(CommandBuilder& command);
inline constexpr std::string_view seed_alias = "cloudinit0";
void add_console_and_agent(CommandBuilder& command);
void add_graphics(CommandBuilder& command);
void add_other_devices(CommandBuilder& command);

} // namespace mshv::vmm::qemu
