// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"
#include "toolstack/libs/guestxml/document.hpp"

#include <optional>
#include <vector>

namespace mshv::guestxml {

/// A value that its row's type has accepted.
struct Value {
    std::string_view text;      ///< trimmed, but for Type::text and Type::any
    std::uint64_t number = 0;   ///< of number and size (bytes)
    bool on = false;            ///< of yes_no and on_off
    const Node* node = nullptr; ///< the element, or the attribute's element

    template <typename E>
    [[nodiscard]] E as() const {
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the row's words are the enum's names
        return *api::from_name<E>(text);
    }
    /// Another attribute of the same element; empty when it has none.
    [[nodiscard]] std::string sibling(std::string_view name) const {
        const Attribute* found = node->attribute(name);
        return found == nullptr ? std::string() : found->value;
    }
    [[nodiscard]] unsigned small() const { return static_cast<unsigned>(number); }
    [[nodiscard]] std::string string() const { return std::string(text); }
};

/// What the walk has gathered: the spec as far as it goes, and what only `check` can settle.
struct Build {
    api::PartitionSpec spec;

    bool vcpu_read = false;
    std::optional<unsigned> vcpu_current;
    std::optional<unsigned> cap_period;
    std::uint64_t cap_quota = 0;        ///< 0 = no cap
    std::string vcpu_cpus;              ///< for who has no pin of its own
    std::vector<const Node*> pin_nodes; ///< in the order of spec.cpu.pins
    bool cpu_mode_given = false;
    bool features_given = false, acpi_given = false, hyperv_passthrough = false;
    bool firmware_given = false;
    std::string loader_type;
    bool smbios_applied = false;
    std::string smbios_block; ///< the block whose entries are read
    bool menu = false;
    std::optional<unsigned> menu_timeout;
    bool console_log_given = false;
    api::Console console_log; ///< ring, sizes and count of <consolelog>
    bool socket_listener = false;

    /// The elements of the devices, in the order of spec.devices, for the places of later faults.
    std::vector<const Node*> disk_nodes, nic_nodes;
    std::vector<bool> disk_bus_given;
    std::vector<const Node*> serial_nodes, console_nodes, graphics_nodes, input_nodes;

    api::Disk& disk() { return spec.devices.disks.back(); }
    api::Nic& nic() { return spec.devices.nics.back(); }
};

} // namespace mshv::guestxml
