// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/table.hpp"

namespace mshv::guestxml {
namespace {

using namespace api;

constexpr std::string_view other_ends =
    "unix file tcp udp null stdio dev pipe vc nmdm spiceport dbus qemu-vdagent";
constexpr std::string_view only_keeper =
    "the keeper holds the guest's console and no other end is in this release";
constexpr std::string_view only_log = "the console's log has its place, read it with "
                                      "mshvctl console --log";

constexpr Row rows[] = {
    row("devices/serial", Type::none, "The serial port, ttyS0, as the partition's console")
        .many()
        .to([](Build& b, const Value& v) { b.serial_nodes.push_back(v.node); }),
    row("devices/serial/@type", Type::choice, "Held by the keeper, whatever libvirt would do")
        .of("pty")
        .refuses(other_ends, only_keeper, "pty")
        .no_effect()
        .by_default("pty"),
    row("devices/serial/target", Type::none, "What the guest sees"),
    row("devices/serial/target/@type", Type::choice, "Only isa-serial")
        .of("isa-serial")
        .refuses("pci-serial usb-serial spapr-vio-serial system-serial sclp-serial isa-debug",
                 "only isa-serial is in this release", "isa-serial")
        .no_effect(),
    row("devices/serial/target/@port", Type::number, "Only 0").up_to(0).no_effect(),
    row("devices/serial/target/model", Type::none, "What the guest sees"),
    row("devices/serial/target/model/@name", Type::choice, "Only isa-serial")
        .of("isa-serial")
        .refuses("pci-serial usb-serial isa-debugcon 16550a pl011 spapr-vty sclpconsole",
                 "only isa-serial is in this release", "isa-serial")
        .no_effect(),
    row("devices/serial/source", Type::none, "Written by libvirt's dumpxml"),
    row("devices/serial/source/@path", Type::any, "Not looked at").no_effect(),
    refused("devices/serial/source/@mode|host|service|append|tls|channel", only_keeper),
    refused("devices/serial/source/reconnect|seclabel", only_keeper),
    refused("devices/serial/log", only_log, "<mshv><consolelog>"),
    refused("devices/serial/protocol", only_keeper),

    row("devices/console", Type::none, "The partition's console: the serial port or hvc0")
        .many()
        .to([](Build& b, const Value& v) { b.console_nodes.push_back(v.node); }),
    row("devices/console/@type", Type::choice, "Held by the keeper, whatever libvirt would do")
        .of("pty")
        .refuses(other_ends, only_keeper, "pty")
        .no_effect()
        .by_default("pty"),
    row("devices/console/@tty", Type::any, "Written by libvirt's dumpxml").no_effect(),
    row("devices/console/target", Type::none, "Which console"),
    row("devices/console/target/@type", Type::choice, "ttyS0 or hvc0")
        .of(words_of<ConsoleTarget>())
        .refuses("xen uml lxc openvz sclp sclplm", "only serial and virtio are in this release",
                 "serial")
        .by_default("serial"),
    row("devices/console/target/@port", Type::number, "Only 0").up_to(0).no_effect(),
    row("devices/console/source", Type::none, "Written by libvirt's dumpxml"),
    row("devices/console/source/@path", Type::any, "Not looked at").no_effect(),
    refused("devices/console/source/@mode|host|service|append|tls|channel", only_keeper),
    refused("devices/console/source/reconnect|seclabel", only_keeper),
    refused("devices/console/log", only_log, "<mshv><consolelog>"),
    refused("devices/console/protocol", only_keeper),

    refused("devices/parallel", "parallel ports are not in this release"),

    row("devices/channel", Type::none, "The guest agent's channel").many(),
    row("devices/channel/@type", Type::choice, "Only unix")
        .required()
        .of("unix")
        .refuses("pty file tcp udp null stdio dev pipe vc dbus qemu-vdagent",
                 "only the guest agent's channel is in this release", "unix")
        .drops("spicevmc spiceport")
        .no_effect(),
    row("devices/channel/source", Type::none, "The host's side, made by the keeper"),
    row("devices/channel/source/@mode", Type::choice, "Only bind")
        .of("bind")
        .refuses("connect", "only the guest agent's channel is in this release", "bind")
        .no_effect(),
    refused("devices/channel/source/@path", "the agent's socket is the keeper's own",
            "leave it out"),
    row("devices/channel/target", Type::none, "The guest's side").required(),
    row("devices/channel/target/@type", Type::choice, "Only virtio")
        .required()
        .of("virtio")
        .refuses("guestfwd xen", "only the guest agent's channel is in this release", "virtio")
        .no_effect(),
    row("devices/channel/target/@name", Type::choice, "Port's name")
        .required()
        .of("org.qemu.guest_agent.0")
        .refuses("com.redhat.spice.0 org.libguestfs.channel.0 org.spice-space.*",
                 "only the guest agent's channel is in this release", "org.qemu.guest_agent.0")
        .to([](Build& b, const Value&) { b.spec.devices.agent_channel = true; }),
    row("devices/channel/target/@state", Type::any, "Written by libvirt's dumpxml").no_effect(),
};

} // namespace

std::span<const Row> character_rows() {
    return rows;
}

} // namespace mshv::guestxml
