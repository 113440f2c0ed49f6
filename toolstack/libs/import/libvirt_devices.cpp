// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/libvirt_devices.hpp"

#include "toolstack/libs/guestxml/text.hpp"

#include <algorithm>
#include <set>

namespace mshv::foreign {
namespace {

using guestxml::Attribute;
using guestxml::Node;
using guestxml::shown;
using guestxml::trimmed;

std::string word(const Node& node, std::string_view attribute) {
    const Attribute* found = node.attribute(attribute);
    return found == nullptr ? std::string() : std::string(trimmed(found->value));
}

class DeviceRewriter {
public:
    DeviceRewriter(const Node& devices, const ImportOptions& options, Edits& edits,
                   LibvirtReport& report)
        : devices_(devices), options_(options), edits_(edits), report_(report) {}

    void run() {
        for (const Node& device : devices_.children) {
            const Node* target = device.name == "disk" ? device.child("target") : nullptr;
            if (target != nullptr) {
                names_.insert(word(*target, "dev"));
            }
        }
        for (std::size_t i = 0; i < devices_.children.size(); ++i) {
            const Node& device = devices_.children[i];
            path_ = "devices/" + step(i);
            if (device.name == "disk") {
                disk(device);
            } else if (device.name == "interface") {
                interface(device);
            } else if (device.name == "graphics") {
                graphics(device);
            } else if (device.name == "serial" || device.name == "console") {
                console(device);
            }
        }
    }

private:
    std::string step(std::size_t index) const {
        const std::string& name = devices_.children[index].name;
        std::size_t same = 0, mine = 0;
        for (std::size_t i = 0; i < devices_.children.size(); ++i) {
            same += devices_.children[i].name == name ? 1 : 0;
            mine = i == index ? same : mine;
        }
        return name + (same > 1 ? "[" + std::to_string(mine) + "]" : "");
    }

    LibvirtSpot spot(const Node& node, const std::string& below = {}) const {
        return {&node, nullptr, path_ + (below.empty() ? "" : "/" + below)};
    }
    LibvirtSpot spot(const Node& node, const Attribute& attribute,
                     const std::string& below = {}) const {
        return {&node, &attribute,
                path_ + (below.empty() ? "" : "/" + below) + "/@" + attribute.name};
    }

    // ---- disks: IDE, SCSI and USB are SATA here
    // --------------------------------------------------

    void disk(const Node& disk) {
        const Node* target = disk.child("target");
        const Attribute* dev = target == nullptr ? nullptr : target->attribute("dev");
        if (dev == nullptr || word(disk, "device") == "floppy" || word(disk, "device") == "lun") {
            return;
        }
        const Attribute* bus = target->attribute("bus");
        const std::string from = bus != nullptr                  ? word(*target, "bus")
                                 : dev->value.starts_with("hd")  ? "ide"
                                 : dev->value.starts_with("xvd") ? "xen"
                                                                 : "";
        if (!guestxml::has_word("ide scsi usb xen", from) ||
            table_takes("devices/disk/target/@bus", from)) {
            return;
        }
        const std::string old(trimmed(dev->value));
        const std::string name = free_name(old);
        std::string what = from + " disks are not in this release";
        what += old == name ? "" : "; " + old + " is " + name;
        const LibvirtSpot at = spot(*target, bus == nullptr ? *dev : *bus, "target");
        if (word(disk, "device") == "cdrom") {
            report_.note(at, what + " on the sata bus", "");
        } else {
            report_.loses(at, what,
                          "puts it on the sata bus: the guest needs the driver of an "
                          "AHCI controller");
        }
        if (bus != nullptr) {
            edits_.replace(bus->value_at, "sata");
        }
        if (old != name) {
            edits_.replace(dev->value_at, name);
        }
    }

    std::string free_name(const std::string& old) {
        if (old.starts_with("sd")) {
            return old;
        }
        const std::size_t prefix = old.starts_with("xvd") ? 3 : 2;
        std::string name = "sd" + old.substr(std::min(prefix, old.size()));
        for (char letter = 'a'; letter <= 'z' && names_.count(name) != 0; ++letter) {
            name = std::string("sd") + letter;
        }
        names_.insert(name);
        return name;
    }

    // ---- interfaces: libvirt's networks are bridges
    // ----------------------------------------------

    void interface(const Node& interface) {
        const Attribute* type = interface.attribute("type");
        const Node* source = interface.child("source");
        if (type == nullptr || trimmed(type->value) != "network" || source == nullptr) {
            return;
        }
        const std::string network = word(*source, "network");
        const auto known = std::find_if(options_.bridges.begin(), options_.bridges.end(),
                                        [&](const auto& pair) { return pair.first == network; });
        std::string bridge = known == options_.bridges.end() ? "" : known->second;
        if (bridge.empty() && source->attribute("bridge") != nullptr) {
            bridge = word(*source, "bridge"); // a running domain's document tells it
            report_.note(spot(*source, "source"),
                         "libvirt's network " + shown(network) + " is the bridge " + shown(bridge) +
                             " here",
                         "libvirt must have started it");
        } else if (bridge.empty()) {
            report_.error(spot(interface, *type),
                          "libvirt's networks are not read: " + shown(network),
                          "--bridge=" + network + "=BRIDGE names the bridge that it is on");
            bridge = "br0"; // so that the same is not told twice
        }
        edits_.replace(type->value_at, "bridge");
        std::string text = "<source bridge='";
        for (const char c : bridge) {
            text += std::string_view("<>&'\"").find(c) == std::string_view::npos ? c : '?';
        }
        edits_.replace(source->whole, text + "'/>");
        const Node* target = interface.child("target");
        if (target != nullptr && word(*target, "dev").starts_with("vnet")) {
            edits_.erase(*target); // libvirt's own numbering
        }
    }

    // ---- displays: a socket, not a port
    // ----------------------------------------------------------

    void graphics(const Node& graphics) {
        if (word(graphics, "type") != "vnc") {
            return;
        }
        if (const Attribute* port = graphics.attribute("port");
            port != nullptr && trimmed(port->value) != "-1") {
            if (word(graphics, "autoport") == "yes") {
                report_.note(spot(graphics, *port), "a display on a Unix socket has no port", "");
            } else {
                report_.loses(spot(graphics, *port),
                              "a display listens on a Unix socket only, not on a port",
                              "makes it a socket of the host");
            }
            edits_.erase(*port);
        }
        if (const Attribute* listen = graphics.attribute("listen")) {
            address(spot(graphics, *listen), listen->value);
            edits_.erase(*listen);
        }
        for (const std::string_view name : {"passwd", "passwdValidTo"}) {
            if (const Attribute* secret = graphics.attribute(name)) {
                report_.loses(spot(graphics, *secret), "passwords do not belong into a definition",
                              "leaves it out: the socket's permissions guard the display");
                edits_.erase(*secret);
            }
        }
        for (const Node& listen : graphics.children) {
            if (listen.name == "listen" && word(listen, "type") != "socket") {
                address(spot(listen, "listen"), word(listen, "address"));
                edits_.erase(listen);
            }
        }
    }

    void address(const LibvirtSpot& at, std::string_view host) {
        host = trimmed(host);
        if (host.empty() || host == "127.0.0.1" || host == "localhost" || host == "::1") {
            report_.note(at, "the display listens on a Unix socket, not on a port of the host", "");
        } else {
            report_.loses(at, "a display listens on a Unix socket only, not on " + shown(host),
                          "makes it a socket of the host");
        }
    }

    // ---- consoles: the keeper's
    // ------------------------------------------------------------------

    void console(const Node& console) {
        const Attribute* type = console.attribute("type");
        const std::string end = type == nullptr ? "pty" : word(console, "type");
        if (table_takes("devices/" + console.name + "/@type", end) ||
            !guestxml::has_word("unix file tcp udp null stdio dev pipe vc nmdm", end)) {
            return;
        }
        report_.loses(spot(console, *type),
                      "the keeper holds the console; " + end + " is no end of it in this release",
                      "makes it the partition's console");
        edits_.replace(type->value_at, "pty");
        for (const Node& child : console.children) {
            if (child.name == "source" || child.name == "protocol") {
                edits_.erase(child);
            }
        }
    }

    const Node& devices_;
    const ImportOptions& options_;
    Edits& edits_;
    LibvirtReport& report_;
    std::string path_;
    std::set<std::string> names_;
};

} // namespace

void rewrite_libvirt_devices(const Node& devices, const ImportOptions& options, Edits& edits,
                             LibvirtReport& report) {
    DeviceRewriter(devices, options, edits, report).run();
}

} // namespace mshv::foreign
