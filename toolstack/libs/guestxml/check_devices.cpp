// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/io_limits.hpp"
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/guestxml/validate.hpp"

#include <map>

namespace mshv::guestxml {
namespace {

using namespace api;

class DeviceChecker {
public:
    DeviceChecker(const Node& root, Report& report, Build& build)
        : root_(root), report_(report), build_(build), devices_(build.spec.devices) {}

    void run() {
        for (std::size_t i = 0; i < devices_.disks.size(); ++i) {
            disk(devices_.disks[i], *build_.disk_nodes[i], build_.disk_bus_given[i]);
        }
        for (std::size_t i = 0; i < devices_.nics.size(); ++i) {
            nic(devices_.nics[i], *build_.nic_nodes[i]);
        }
        boot_order();
        console();
        inputs();
        second_graphics();
        if (build_.spec.boot.machine == Machine::microvm) {
            microvm();
        }
    }

private:
    void conflict(Spot spot, const std::string& what, Spot other, std::string hint = {}) {
        report_.error("E-CONFLICT", spot, what + " (see " + report_.place_text(other) + ")",
                      std::move(hint));
    }

    /// Reports `spot` when its word was seen before among those of the same kind.
    void unique(std::map<std::string, Spot>& seen, const std::string& word, Spot spot,
                const std::string& what) {
        const auto [before, fresh] = seen.emplace(word, spot);
        if (!fresh) {
            report_.error("E-DUP", spot,
                          what + " " + shown(word) + " is used twice; first at " +
                              report_.place_text(before->second));
        }
    }

    // ---- disks ---------------------------------------------------------------------------------

    void disk(Disk& disk, const Node& node, bool bus_given) {
        const Node* target = node.child("target");
        if (target != nullptr && !disk.target.empty()) {
            disk_target(disk, *target, bus_given);
        }
        const Attribute* type = node.attribute("type");
        if (type == nullptr || from_name<DiskSource>(type->value)) {
            disk.path = image(node, disk.source, disk.device == DiskDevice::disk);
        }
        if (disk.device == DiskDevice::cdrom) {
            disk.read_only = true;
            if (disk.bus == DiskBus::virtio && target != nullptr) {
                report_.error("E-CONFLICT", Spot::value_or_name(*target, "bus"),
                              "a CD drive is not on the virtio bus", "use bus='sata'");
            }
        }
        if (!disk.alias.empty()) {
            unique(aliases_, disk.alias, Spot::value_or_name(*node.child("alias"), "name"),
                   "the alias");
        }
        backing(disk, node);
        sector_sizes(disk, node);
        limits(disk, node);
    }

    void limits(Disk& disk, const Node& node) {
        const Node* iotune = node.child("iotune");
        if (iotune == nullptr || !disk.iotune) {
            return;
        }
        normalise(disk.iotune);
        for (const LimitFault& fault :
             disk.iotune ? faults_of(*disk.iotune) : std::vector<LimitFault>{}) {
            const Node* told = iotune->child(fault.element);
            report_.error("E-CONFLICT", told == nullptr ? Spot::of(*iotune) : Spot::text(*told),
                          fault.message);
        }
        if (disk.iotune && disk.path.empty() && disk.device == DiskDevice::cdrom) {
            report_.error("E-CONFLICT", Spot::of(*iotune), "an empty drive has no limits",
                          "leave <iotune> out, or give it a medium");
        }
    }

    void disk_target(Disk& disk, const Node& target, bool bus_given) {
        const std::string& dev = disk.target;
        const std::string_view rest =
            std::string_view(dev).substr(std::min<std::size_t>(2, dev.size()));
        const bool known = dev.starts_with("vd") || dev.starts_with("sd");
        const bool shaped = known && !rest.empty() && rest.size() <= 3 &&
                            rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == rest.npos;
        const Spot spot = Spot::value_or_name(target, "dev");
        if (!shaped) {
            report_.error("E-TYPE", spot, shown(dev) + " is not a disk's name",
                          "vda, vdb … with bus='virtio', sda, sdb … with bus='sata'");
            return;
        }
        if (!bus_given && target.attribute("bus") == nullptr) {
            disk.bus = dev.starts_with("sd") ? DiskBus::sata : DiskBus::virtio;
        }
        unique(targets_, dev, spot, "the target");
    }

    /// The path that <source> names by the attribute that goes with the type.
    std::string image(const Node& node, DiskSource type, bool needed) {
        const Node* source = node.child("source");
        const std::string_view wanted = type == DiskSource::file ? "file" : "dev";
        const std::string_view other = type == DiskSource::file ? "dev" : "file";
        if (source == nullptr) {
            if (needed) {
                report_.error("E-MISSING", Spot::of(node), "<" + node.name + "> needs <source>",
                              "only a CD drive may be empty");
            }
            return {};
        }
        if (const Attribute* wrong = source->attribute(other)) {
            report_.error("E-CONFLICT", Spot::name(*source, *wrong),
                          "'" + wrong->name + "' does not go with type='" +
                              std::string(to_name(type)) + "'",
                          "use " + std::string(wanted) + "='…', or the other type");
            return {};
        }
        const Attribute* found = source->attribute(wanted);
        if (found == nullptr) {
            if (needed && source->attributes.empty()) {
                report_.error("E-MISSING", Spot::of(*source),
                              "<source> needs the attribute '" + std::string(wanted) + "'");
            }
            return {};
        }
        return std::string(trimmed(found->value));
    }

    void backing(Disk& disk, const Node& node) {
        const DiskFormat* above = &disk.format;
        for (const Node* store = node.child("backingStore");
             store != nullptr && !(store->children.empty() && store->attributes.empty());
             store = store->child("backingStore")) {
            if (*above != DiskFormat::qcow2) {
                report_.error("E-CONFLICT", Spot::of(*store), "a raw image has no backing image",
                              "is the image above of type='qcow2'?");
                return;
            }
            const Attribute* type = store->attribute("type");
            const auto kind = from_name<DiskSource>(type == nullptr ? "file" : type->value);
            const Node* format = store->child("format");
            const Attribute* word = format == nullptr ? nullptr : format->attribute("type");
            const auto read = from_name<DiskFormat>(word == nullptr ? "" : word->value);
            if (format == nullptr) {
                report_.error("E-MISSING", Spot::of(*store), "<backingStore> needs <format>",
                              "formats are never probed");
            }
            const std::string path = kind ? image(*store, *kind, true) : std::string{};
            disk.backing.push_back({path, read.value_or(DiskFormat::raw)});
            above = &disk.backing.back().format;
        }
    }

    void sector_sizes(const Disk& disk, const Node& node) {
        const Node* io = node.child("blockio");
        if (io == nullptr) {
            return;
        }
        const auto odd = [](std::optional<unsigned> size) {
            return size && (*size & (*size - 1)) != 0;
        };
        for (const auto& [size, name] :
             {std::pair(disk.logical_block_size, "logical_block_size"),
              std::pair(disk.physical_block_size, "physical_block_size")}) {
            if (odd(size)) {
                report_.error("E-RANGE", Spot::value_or_name(*io, name),
                              "the size of a sector is a power of two");
            }
        }
        if (disk.logical_block_size && disk.physical_block_size &&
            *disk.logical_block_size > *disk.physical_block_size) {
            conflict(Spot::value_or_name(*io, "logical_block_size"),
                     "the logical sector is larger than the physical one",
                     Spot::value_or_name(*io, "physical_block_size"));
        }
    }

    // ---- interfaces ----------------------------------------------------------------------------

    void nic(const Nic& nic, const Node& node) {
        const Node* source = node.child("source");
        const Attribute* bridge = source == nullptr ? nullptr : source->attribute("bridge");
        const Attribute* type = node.attribute("type");
        if (type != nullptr && type->value == "bridge" && bridge == nullptr &&
            (source == nullptr || source->attributes.empty())) {
            report_.error("E-MISSING", Spot::of(source == nullptr ? node : *source),
                          "type='bridge' needs <source bridge='…'/>");
        }
        if (type != nullptr && type->value == "user") {
            user_nic(nic, node, *type, bridge == nullptr ? nullptr : source);
        }
        peaks(nic, node);
        if (!nic.mac.empty()) {
            unique(macs_, nic.mac, Spot::value_or_name(*node.child("mac"), "address"),
                   "the MAC address");
        }
        if (!nic.target.empty()) {
            unique(taps_, nic.target, Spot::value_or_name(*node.child("target"), "dev"), "the tap");
        }
        if (!nic.alias.empty()) {
            unique(aliases_, nic.alias, Spot::value_or_name(*node.child("alias"), "name"),
                   "the alias");
        }
    }

    void peaks(const Nic& nic, const Node& node) {
        for (const auto& [name, rate] :
             {std::pair("inbound", nic.inbound), std::pair("outbound", nic.outbound)}) {
            const Node* bandwidth = node.child("bandwidth");
            const Node* told = bandwidth == nullptr ? nullptr : bandwidth->child(name);
            if (told != nullptr && rate && rate->peak != 0 && rate->peak < rate->average) {
                conflict(Spot::value_or_name(*told, "peak"), "the peak is below the average",
                         Spot::value_or_name(*told, "average"));
            }
        }
    }

    void user_nic(const Nic& nic, const Node& node, const Attribute& type, const Node* source) {
        const Spot spot = Spot::value(node, type);
        if (source != nullptr) {
            conflict(Spot::value_or_name(*source, "bridge"), "a bridge needs type='bridge'", spot);
        }
        if (!nic.target.empty()) {
            conflict(Spot::of(*node.child("target")), "type='user' has no tap", spot);
        }
        for (const std::string_view name : {"vlan", "bandwidth"}) {
            if (const Node* told = node.child(name)) {
                conflict(Spot::of(*told), "type='user' has no tap to set <" + told->name + "> on",
                         spot, "use type='bridge'");
            }
        }
        if (nic.queues.value_or(1) > 1) {
            conflict(Spot::value_or_name(*node.child("driver"), "queues"),
                     "type='user' has one queue", spot);
        }
    }

    // ---- all -----------------------------------------------------------------------------------

    void boot_order() {
        std::map<std::string, Spot> seen;
        const Node* os_boot = node_at(root_, "os/boot");
        const auto one = [&](std::optional<unsigned> order, const Node& node) {
            if (!order) {
                return;
            }
            const Spot spot = Spot::value_or_name(*node.child("boot"), "order");
            if (os_boot != nullptr && seen.empty()) {
                conflict(spot, "<boot order> of a device does not go with <os><boot dev>",
                         Spot::of(*os_boot), "keep one of the two ways");
            }
            unique(seen, std::to_string(*order), spot, "the boot order");
        };
        for (std::size_t i = 0; i < devices_.disks.size(); ++i) {
            one(devices_.disks[i].boot_order, *build_.disk_nodes[i]);
        }
        for (std::size_t i = 0; i < devices_.nics.size(); ++i) {
            one(devices_.nics[i].boot_order, *build_.nic_nodes[i]);
        }
    }

    static bool is_virtio(const Node& console) {
        const Node* target = console.child("target");
        const Attribute* type = target == nullptr ? nullptr : target->attribute("type");
        return type != nullptr && type->value == "virtio";
    }

    /// <serial> and a <console> on it are one thing; a partition has one console.
    void console() {
        const auto& serials = build_.serial_nodes;
        const auto& consoles = build_.console_nodes;
        if (serials.size() > 1) {
            second("serial port", *serials[1], *serials[0]);
        }
        if (consoles.size() > 1) {
            second("console", *consoles[1], *consoles[0]);
        }
        const bool virtio = !consoles.empty() && is_virtio(*consoles[0]);
        if (virtio && !serials.empty()) {
            second("console", *consoles[0], *serials[0]);
        }
        if (!serials.empty() || !consoles.empty()) {
            devices_.console = build_.console_log;
            devices_.console->target = virtio ? ConsoleTarget::virtio : ConsoleTarget::serial;
        } else if (build_.console_log_given) {
            const Node* log = node_at(root_, "mshv/consolelog");
            report_.error("E-CONFLICT", Spot::of(log == nullptr ? root_ : *log),
                          "a console log needs a console",
                          "add <console type='pty'/> to <devices>");
        }
    }

    void second(const std::string& what, const Node& node, const Node& first) {
        report_.error("E-UNSUPPORTED", Spot::of(node),
                      "a partition has one console; a " + what + " more than that at " +
                          report_.place_text(Spot::of(first)) + " is not in this release");
    }

    void inputs() {
        for (const Node* node : build_.input_nodes) {
            const Attribute* type = node->attribute("type");
            const Attribute* bus = node->attribute("bus");
            if (type == nullptr) {
                continue;
            }
            if (bus != nullptr && bus->value == "ps2") {
                report_.warning("W-IGNORED", Spot::of(*node),
                                "<input> on bus ps2: a partition has no PS/2 controller",
                                "use bus='usb' with type='keyboard' or type='tablet'");
                continue;
            }
            bool* device = type->value == "tablet"     ? &devices_.tablet
                           : type->value == "keyboard" ? &devices_.keyboard
                                                       : nullptr;
            if (device == nullptr && type->value == "mouse") {
                report_.error("E-UNSUPPORTED", Spot::value(*node, *type),
                              "a USB mouse is not in this release", "use type='tablet'");
            } else if (device != nullptr && *device) {
                report_.error("E-DUP", Spot::of(*node), "a second " + type->value);
            } else if (device != nullptr) {
                *device = true;
            }
        }
    }

    void second_graphics() {
        if (build_.graphics_nodes.size() > 1) {
            report_.error("E-DUP", Spot::of(*build_.graphics_nodes[1]),
                          "<graphics> is given twice; the first stands at " +
                              report_.place_text(Spot::of(*build_.graphics_nodes[0])));
        }
        if (!build_.graphics_nodes.empty()) {
            const Node& node = *build_.graphics_nodes[0];
            const Node* listen = node.child("listen");
            const Attribute* inner = listen == nullptr ? nullptr : listen->attribute("socket");
            const Attribute* outer = node.attribute("socket");
            if (inner != nullptr && outer != nullptr && inner->value != outer->value) {
                conflict(Spot::value(*listen, *inner), "<listen> names another socket",
                         Spot::value(node, *outer));
            }
        }
    }

    void microvm() {
        const Node* type = node_at(root_, "os/type");
        const Spot machine = Spot::value_or_name(type == nullptr ? root_ : *type, "machine");
        const auto refuse = [&](Spot spot, const std::string& what) {
            conflict(spot, "machine='microvm' has no " + what, machine, "use machine='q35'");
        };
        for (std::size_t i = 0; i < devices_.disks.size(); ++i) {
            if (devices_.disks[i].bus != DiskBus::virtio) {
                refuse(Spot::of(*build_.disk_nodes[i]), "sata bus");
            }
        }
        for (std::size_t i = 0; i < devices_.nics.size(); ++i) {
            if (devices_.nics[i].model != NicModel::virtio) {
                refuse(Spot::of(*build_.nic_nodes[i]), "network card but virtio");
            }
        }
        if (build_.spec.boot.firmware == Firmware::efi) {
            refuse(Spot::of(*node_at(root_, "os")), "EFI firmware");
        }
        for (const auto& [path, what, used] :
             {std::tuple("devices/graphics", "display", devices_.graphics.has_value()),
              std::tuple("devices/video", "display adapter", devices_.video != VideoModel::none),
              std::tuple("devices/watchdog", "watchdog", devices_.watchdog.has_value()),
              std::tuple("devices/input", "USB", devices_.tablet || devices_.keyboard)}) {
            const Node* node = node_at(root_, path);
            if (used && node != nullptr) {
                refuse(Spot::of(*node), what);
            }
        }
    }

    const Node& root_;
    Report& report_;
    Build& build_;
    Devices& devices_;
    std::map<std::string, Spot> targets_, aliases_, macs_, taps_;
};

} // namespace

void check_devices(const Node& root, Report& report, Build& build) {
    DeviceChecker(root, report, build).run();
}

} // namespace mshv::guestxml
