// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/makeup.hpp"

#include "daemon/vmm/qemu/builder.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "daemon/vmm/qemu/settings.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <utility>

namespace mshv::vmm::qemu {
namespace {

/// The value of each option `name` that is JSON, with its place.
void each_json(const std::vector<std::string>& argv, std::string_view name,
               const std::function<void(const JsonValue&, std::size_t)>& take) {
    for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
        if (argv[i] != name || !argv[i + 1].starts_with('{')) {
            continue;
        }
        if (const auto value = JsonValue::parse(argv[i + 1])) {
            take(*value, i);
        }
    }
}

struct AddedFd {
    int target = -1;
    int set = -1;
};

/// "fd=7,set=3", as CommandBuilder writes it.
std::optional<AddedFd> added_fd(std::string_view text) {
    AddedFd added;
    const auto number = [&](std::string_view key, int& to) {
        const auto at = text.find(key);
        return at != std::string_view::npos &&
               std::from_chars(text.data() + at + key.size(), text.data() + text.size(), to).ec ==
                   std::errc{};
    };
    const bool whole = number("fd=", added.target) && number("set=", added.set);
    return whole ? std::optional(added) : std::nullopt;
}

void each_added_fd(const std::vector<std::string>& argv,
                   const std::function<void(const AddedFd&, std::size_t)>& take) {
    for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
        if (argv[i] == "-add-fd") {
            if (const auto added = added_fd(argv[i + 1])) {
                take(*added, i);
            }
        }
    }
}

/// The number of the fd set that a node's file name stands for.
std::optional<int> set_of(const JsonValue& node) {
    constexpr std::string_view prefix = "/dev/fdset/";
    const std::string name = text_at(node, {"filename"});
    int set = 0;
    if (!name.starts_with(prefix) ||
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), set).ec !=
            std::errc{}) {
        return std::nullopt;
    }
    return set;
}

/// `node` and what is named after it, disk1-file and disk1-back0; not disk10.
bool belongs(std::string_view name, std::string_view node) {
    return name.starts_with(node) && (name.size() == node.size() || name[node.size()] == '-');
}

void drop_link(std::vector<std::string>& setup, const std::string& backend) {
    std::erase_if(setup, [&](const std::string& line) {
        return line == set_link(backend, false) || line == set_link(backend, true);
    });
}

/// Takes options out of a command, by their places.
class Removal {
public:
    explicit Removal(const MakeUp& from) : from_(from) {}

    void option(std::size_t at) {
        places_.insert(at);
        places_.insert(at + 1);
    }
    /// The blocks under `node` and the files that they read.
    void blocks(std::string_view node) {
        std::set<int> sets;
        each_json(from_.argv, "-blockdev", [&](const JsonValue& value, std::size_t at) {
            if (belongs(text_at(value, {"node-name"}), node)) {
                option(at);
                if (const auto set = set_of(value)) {
                    sets.insert(*set);
                }
            }
        });
        each_added_fd(from_.argv, [&](const AddedFd& added, std::size_t at) {
            if (sets.contains(added.set)) {
                option(at);
                targets_.insert(added.target);
            }
        });
    }
    /// The backend of a NIC, its tap, and what is said of it before the VPs run.
    void backend(std::string_view name) {
        each_json(from_.argv, "-netdev", [&](const JsonValue& value, std::size_t at) {
            if (text_at(value, {"id"}) != name) {
                return;
            }
            option(at);
            const std::string fd = text_at(value, {"fd"});
            int target = 0;
            if (std::from_chars(fd.data(), fd.data() + fd.size(), target).ec == std::errc{}) {
                targets_.insert(target);
            }
        });
        backends_.insert(std::string(name));
    }
    /// What a disk's device is held to.
    void limits(std::string_view device) { limited_.insert(std::string(device)); }
    MakeUp apply() const {
        MakeUp rest = from_;
        rest.argv.clear();
        for (const auto& device : limited_) {
            drop_limits(rest.setup, device);
        }
        for (const auto& backend : backends_) {
            drop_link(rest.setup, backend);
        }
        for (std::size_t i = 0; i < from_.argv.size(); ++i) {
            if (!places_.contains(i)) {
                rest.argv.push_back(from_.argv[i]);
            }
        }
        std::erase_if(rest.targets, [&](int target) { return targets_.contains(target); });
        return rest;
    }

private:
    const MakeUp& from_;
    std::set<std::size_t> places_;
    std::set<int> targets_;
    std::set<std::string> backends_;
    std::set<std::string> limited_;
};

CommandBuilder::Taken taken_by(const MakeUp& now, const std::string& bus) {
    CommandBuilder::Taken taken;
    taken.next_set = now.next_set;
    for (const int target : now.targets) {
        taken.next_target = std::max(taken.next_target, target + 1);
    }
    each_added_fd(now.argv, [&](const AddedFd& added, std::size_t) {
        taken.next_set = std::max(taken.next_set, added.set + 1);
    });
    std::set<std::string> used;
    std::vector<std::string> ports;
    each_json(now.argv, "-device", [&](const JsonValue& value, std::size_t) {
        used.insert(text_at(value, {"bus"}));
        if (text_at(value, {"driver"}) == "pcie-root-port") {
            ports.push_back(text_at(value, {"id"}));
        }
    });
    for (const auto& port : ports) {
        if (!taken.free_port && !used.contains(port) && (bus.empty() || bus == port)) {
            taken.free_port = port;
        }
    }
    return taken;
}

/// A name that no block has, nor any that begins with it.
std::string free_node(const MakeUp& now, const std::string& stem) {
    const auto nodes = nodes_of(now);
    for (int n = 0;; ++n) {
        const std::string name = stem + std::to_string(n);
        if (std::none_of(nodes.begin(), nodes.end(),
                         [&](const std::string& node) { return belongs(node, name); })) {
            return name;
        }
    }
}

PlanInput input_of(const api::PartitionSpec& spec) {
    PlanInput input;
    input.spec = spec;
    return input;
}

/// A tap's backend whose descriptor has a name in the place of a number.
std::string with_descriptor(const std::string& backend, const std::string& name) {
    const auto value = JsonValue::parse(backend);
    return JsonObject()
        .text("type", "tap")
        .text("id", value ? text_at(*value, {"id"}) : "")
        .text("fd", name)
        .str();
}

/// Throws where no device of any kind comes or goes while the guest runs.
void refuse_fixed_machine(const api::PartitionSpec& spec, const std::string& what) {
    if (spec.boot.machine == api::Machine::microvm) {
        throw api::Error(api::ErrorCode::unsupported,
                         "A microvm takes no device while it runs: its devices stand in its memory "
                         "from the start",
                         "change the definition with --config and start the partition anew");
    }
    if (!spec.acpi) {
        throw api::Error(api::ErrorCode::unsupported,
                         "Without ACPI the guest would not hear of the " + what,
                         "change the definition with --config and start the partition anew");
    }
}

void refuse_taken(const MakeUp& now, const std::string& alias) {
    if (has_device(now, alias)) {
        throw api::Error(api::ErrorCode::exists, "The partition has a device " + alias);
    }
}

/// The parts of a command as what a running VMM is told. `id` of the device names its tap's
/// descriptor.
Addition as_addition(domain::LaunchPlan plan, const std::string& id) {
    Addition addition;
    addition.argv = std::move(plan.argv);
    for (auto& tap : plan.taps) {
        addition.taps.push_back({std::move(tap), id});
    }
    for (std::size_t i = 0; i + 1 < addition.argv.size(); i += 2) {
        const auto& option = addition.argv[i];
        const auto& value = addition.argv[i + 1];
        if (option == "-blockdev") {
            addition.commands.push_back(qmp_command("blockdev-add", value));
        } else if (option == "-netdev") {
            addition.commands.push_back(qmp_command(
                "netdev_add", addition.taps.empty() ? value : with_descriptor(value, id)));
        } else if (option == "-device") {
            addition.commands.push_back(qmp_command("device_add", value));
        }
    }
    addition.setup = std::move(plan.setup);
    addition.commands.insert(addition.commands.end(), addition.setup.begin(), addition.setup.end());
    std::size_t next = 0;
    each_added_fd(addition.argv, [&](const AddedFd& added, std::size_t) {
        addition.files.push_back({plan.files.at(next++), added.set});
    });
    return addition;
}

/// A device's JSON with another node as its drive.
std::string reading(std::string device, const std::string& node) {
    constexpr std::string_view key = R"(,"drive":")";
    if (const auto at = device.find(key); at != std::string::npos) {
        device.erase(at, device.find('"', at + key.size()) + 1 - at);
    }
    if (!node.empty()) {
        device.insert(device.size() - 1, std::string(key) + node + '"');
    }
    return device;
}

std::string member_of(const MakeUp& now, std::string_view id, std::string_view key) {
    std::string member;
    each_json(now.argv, "-device", [&](const JsonValue& value, std::size_t) {
        member = text_at(value, {"id"}) == id ? text_at(value, {key}) : member;
    });
    return member;
}

} // namespace

std::set<std::string> nodes_of(const MakeUp& now) {
    std::set<std::string> nodes;
    each_json(now.argv, "-blockdev", [&](const JsonValue& value, std::size_t) {
        nodes.insert(text_at(value, {"node-name"}));
    });
    return nodes;
}

std::set<std::int64_t> sets_of(const MakeUp& now) {
    std::set<std::int64_t> sets;
    each_added_fd(now.argv, [&](const AddedFd& added, std::size_t) { sets.insert(added.set); });
    return sets;
}

std::set<std::string> backends_of(const MakeUp& now) {
    std::set<std::string> backends;
    each_json(now.argv, "-netdev", [&](const JsonValue& value, std::size_t) {
        backends.insert(text_at(value, {"id"}));
    });
    return backends;
}

std::map<std::string, std::string> buses_of(const MakeUp& now) {
    std::map<std::string, std::string> buses;
    each_json(now.argv, "-device", [&](const JsonValue& value, std::size_t) {
        buses[text_at(value, {"id"})] = text_at(value, {"bus"});
    });
    return buses;
}

bool has_device(const MakeUp& now, std::string_view id) {
    bool found = false;
    each_json(now.argv, "-device", [&](const JsonValue& value, std::size_t) {
        found = found || text_at(value, {"id"}) == id;
    });
    return found;
}

std::string driver_of(const MakeUp& now, std::string_view id) {
    return member_of(now, id, "driver");
}

std::string drive_of(const MakeUp& now, std::string_view id) {
    return member_of(now, id, "drive");
}

std::string backend_of(const MakeUp& now, std::string_view id) {
    return member_of(now, id, "netdev");
}

Addition add_disk(const MakeUp& now, const api::PartitionSpec& spec, const api::Disk& disk,
                  const std::string& bus) {
    refuse_fixed_machine(spec, "disk");
    if (disk.bus != api::DiskBus::virtio) {
        throw api::Error(api::ErrorCode::unsupported,
                         "A disk on the " + std::string(api::to_name(disk.bus)) +
                             " bus cannot come or go while the guest runs",
                         "use the virtio bus, or change the definition with --config");
    }
    refuse_taken(now, disk.alias);
    const PlanInput input = input_of(spec);
    CommandBuilder command(input, taken_by(now, bus));
    const std::string node = free_node(now, "disk");
    add_another_disk(command, disk, node, spec.devices.disks.size());
    return as_addition(std::move(command.plan()), disk.alias);
}

void refuse_fixed(const api::PartitionSpec& spec, const api::Nic& nic) {
    refuse_fixed_machine(spec, "interface");
    if (spec.boot.machine == api::Machine::q35 && !behind_port(nic.model)) {
        throw api::Error(api::ErrorCode::unsupported,
                         "The model " + std::string(api::to_name(nic.model)) +
                             " has no port on the machine q35, and cannot come or go while the "
                             "guest runs",
                         "use virtio or e1000e, or change the definition with --config");
    }
}

Addition add_nic(const MakeUp& now, const api::PartitionSpec& spec, const api::Nic& nic,
                 const std::string& bus) {
    refuse_fixed(spec, nic);
    refuse_taken(now, nic.alias);
    const PlanInput input = input_of(spec);
    CommandBuilder command(input, taken_by(now, bus));
    add_another_nic(command, nic);
    return as_addition(std::move(command.plan()), nic.alias);
}

MakeUp without_device(const MakeUp& now, std::string_view id) {
    Removal removal(now);
    each_json(now.argv, "-device", [&](const JsonValue& value, std::size_t at) {
        if (text_at(value, {"id"}) != id) {
            return;
        }
        removal.option(at);
        removal.limits(id);
        if (const auto drive = text_at(value, {"drive"}); !drive.empty()) {
            removal.blocks(drive);
        }
        if (const auto backend = text_at(value, {"netdev"}); !backend.empty()) {
            removal.backend(backend);
        }
    });
    return removal.apply();
}

Medium make_medium(const MakeUp& now, const api::PartitionSpec& spec, const api::Disk& drive) {
    const PlanInput input = input_of(spec);
    CommandBuilder command(input, taken_by(now, {}));
    const std::string node = free_node(now, "medium");
    add_medium(command, drive, node);
    return {node, as_addition(std::move(command.plan()), drive.alias)};
}

MakeUp with_medium(const MakeUp& now, std::string_view id, const std::string& node) {
    Removal removal(now);
    if (const auto before = drive_of(now, id); !before.empty()) {
        removal.blocks(before);
    }
    MakeUp next = removal.apply();
    each_json(next.argv, "-device", [&](const JsonValue& value, std::size_t at) {
        if (text_at(value, {"id"}) == id) {
            next.argv[at + 1] = reading(next.argv[at + 1], node);
        }
    });
    return next;
}

MakeUp with_addition(const MakeUp& now, const Addition& addition) {
    MakeUp next = now;
    next.argv.insert(next.argv.end(), addition.argv.begin(), addition.argv.end());
    next.setup.insert(next.setup.end(), addition.setup.begin(), addition.setup.end());
    for (const auto& added : addition.files) {
        next.targets.push_back(added.file.target);
    }
    for (const auto& added : addition.taps) {
        next.targets.push_back(added.tap.target);
    }
    return next;
}

MakeUp with_link(const MakeUp& now, const std::string& backend, bool up) {
    MakeUp next = now;
    drop_link(next.setup, backend);
    if (!up) {
        next.setup.push_back(set_link(backend, false));
    }
    return next;
}

} // namespace mshv::vmm::qemu
