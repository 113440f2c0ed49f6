// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/build.hpp"
#include "toolstack/libs/guestxml/table.hpp"

namespace mshv::guestxml {
namespace {

using namespace api;

constexpr std::string_view no_detail = "this detail of an interface is not in this release";
constexpr std::string_view no_driver = "the driver's details are the VMM's in this release";

constexpr std::uint64_t fastest = 1'000'000'000; ///< kB/s; the kernel's own fields end near it

// No ?: between the two: g++ 12 then writes to a copy.
template <auto Direction, auto Part>
void set_rate(Build& b, const Value& v) {
    std::optional<NicRate>& rate = b.nic().*Direction;
    if (!rate) {
        rate.emplace();
    }
    (*rate).*Part = v.number;
}
template <auto Direction, auto Part>
constexpr Row rate_row(std::string_view path, std::string_view doc, std::string_view unit) {
    return row(path, Type::number, doc).up_to(fastest).in(unit).to(set_rate<Direction, Part>);
}

constexpr Row rows[] = {
    row("devices/interface", Type::none, "A network interface")
        .many()
        .to([](Build& b, const Value& v) {
            b.spec.devices.nics.emplace_back();
            b.nic_nodes.push_back(v.node);
        }),
    row("devices/interface/@type", Type::choice, "An existing bridge, or the VMM's own NAT")
        .required()
        .of(words_of<NicSource>())
        .refuses("network ethernet direct vhostuser hostdev client server udp mcast internal vdpa "
                 "vds null",
                 "only bridge and user are in this release",
                 "type='bridge' with <source bridge='virbr0'/>")
        .to([](Build& b, const Value& v) { b.nic().source = v.as<NicSource>(); }),
    refused("devices/interface/@managed", no_detail),
    refused("devices/interface/@trustGuestRxFilters", no_detail),
    row("devices/interface/mac", Type::none, "Hardware address"),
    row("devices/interface/mac/@address", Type::mac, "Unicast; unique")
        .required()
        .by_default("generated at define")
        .to([](Build& b, const Value& v) {
            for (const char c : v.text) {
                b.nic().mac += c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
            }
        }),
    refused("devices/interface/mac/@type|check|currentAddress", no_detail),
    row("devices/interface/source", Type::none, "What it is connected to"),
    row("devices/interface/source/@bridge", Type::token, "An existing bridge, with type='bridge'")
        .up_to(15)
        .to([](Build& b, const Value& v) { b.nic().bridge = v.text; }),
    refused("devices/interface/source/@network", "libvirt's networks are not read",
            "type='bridge' with <source bridge='virbr0'/>"),
    refused("devices/interface/source/@dev|mode|path|type|address|port|portgroup|portid|switchid|"
            "connectionid|name",
            "only bridge and user are in this release"),
    refused("devices/interface/source/address|local|reconnect|ip",
            "only bridge and user are in this release"),
    row("devices/interface/target", Type::none, "The host's side"),
    row("devices/interface/target/@dev", Type::token, "Name of the tap device")
        .up_to(15)
        .by_default("generated")
        .to([](Build& b, const Value& v) { b.nic().target = v.text; }),
    refused("devices/interface/target/@managed", no_detail),
    row("devices/interface/model", Type::none, "What the guest sees"),
    row("devices/interface/model/@type", Type::choice, "Kind of card")
        .required()
        .of(words_of<NicModel>())
        .refuses("virtio-transitional virtio-non-transitional ne2k_pci ne2k_isa pcnet vmxnet3 "
                 "netfront igb i82551 i82557b i82559er usb-net",
                 "this card is not in this release", "virtio")
        .by_default("virtio")
        .to([](Build& b, const Value& v) { b.nic().model = v.as<NicModel>(); }),
    row("devices/interface/driver", Type::none, "How packets move"),
    row("devices/interface/driver/@queues", Type::number, "Queue pairs")
        .from(1, 256)
        .by_default("1")
        .to([](Build& b, const Value& v) { b.nic().queues = v.small(); }),
    refused("devices/interface/driver/@name", "the VMM chooses between vhost and itself",
            "leave it out"),
    refused("devices/interface/driver/@rx_queue_size|tx_queue_size|iommu|ats|packed|page_per_vq|"
            "event_idx|ioeventfd|txmode|rss|rss_hash_report",
            no_driver),
    refused("devices/interface/driver/host|guest", no_driver),
    row("devices/interface/mtu", Type::none, "Largest packet"),
    row("devices/interface/mtu/@size", Type::number, "Also set on the tap")
        .required()
        .from(68, 65535)
        .in("bytes")
        .by_default("the bridge's")
        .to([](Build& b, const Value& v) { b.nic().mtu = v.small(); }),
    row("devices/interface/link", Type::none, "The cable"),
    row("devices/interface/link/@state", Type::choice, "Is it plugged in")
        .required()
        .of("up down")
        .by_default("up")
        .to([](Build& b, const Value& v) { b.nic().link_up = v.text == "up"; }),
    row("devices/interface/vlan", Type::none, "VLAN of the bridge; the guest's side is untagged"),
    row("devices/interface/vlan/@trunk", Type::choice, "Only no")
        .of("no")
        .refuses("yes", "an interface is in one VLAN in this release", "no")
        .no_effect(),
    row("devices/interface/vlan/tag", Type::none, "The VLAN").required(),
    row("devices/interface/vlan/tag/@id", Type::number, "Its number; the bridge must filter VLANs")
        .required()
        .from(1, 4094)
        .to([](Build& b, const Value& v) { b.nic().vlan = v.small(); }),
    refused("devices/interface/vlan/tag/@nativeMode",
            "an interface is in one VLAN in this release"),
    row("devices/interface/bandwidth", Type::none, "How fast it is, with type='bridge'"),
    row("devices/interface/bandwidth/inbound", Type::none, "To the guest")
        .to([](Build& b, const Value&) { b.nic().inbound.emplace(); }),
    rate_row<&Nic::inbound, &NicRate::average>("devices/interface/bandwidth/inbound/@average",
                                               "On the long run", "kB/s")
        .required()
        .from(1, fastest),
    rate_row<&Nic::inbound, &NicRate::peak>("devices/interface/bandwidth/inbound/@peak",
                                            "While a burst lasts", "kB/s")
        .by_default("as fast as it goes"),
    rate_row<&Nic::inbound, &NicRate::burst>("devices/interface/bandwidth/inbound/@burst",
                                             "What may go faster", "KiB")
        .by_default("by the rate"),
    refused("devices/interface/bandwidth/inbound/@floor", "no rate is promised in this release"),
    row("devices/interface/bandwidth/outbound", Type::none, "From the guest")
        .to([](Build& b, const Value&) { b.nic().outbound.emplace(); }),
    rate_row<&Nic::outbound, &NicRate::average>("devices/interface/bandwidth/outbound/@average",
                                                "On the long run", "kB/s")
        .required()
        .from(1, fastest),
    rate_row<&Nic::outbound, &NicRate::peak>("devices/interface/bandwidth/outbound/@peak",
                                             "While a burst lasts", "kB/s")
        .by_default("as fast as it goes"),
    rate_row<&Nic::outbound, &NicRate::burst>("devices/interface/bandwidth/outbound/@burst",
                                              "What may go faster", "KiB")
        .by_default("by the rate"),
    row("devices/interface/boot", Type::none, "Place in the boot order"),
    row("devices/interface/boot/@order", Type::number, "1 is tried first; unique")
        .required()
        .from(1, 1024)
        .to([](Build& b, const Value& v) { b.nic().boot_order = v.small(); }),
    row("devices/interface/alias", Type::none, "The administrator's own name of the device"),
    row("devices/interface/alias/@name", Type::token, "Starts with ua-; unique")
        .required()
        .up_to(64)
        .to([](Build& b, const Value& v) {
            b.nic().alias = v.text.starts_with("ua-") ? v.string() : std::string();
        }),
    refused("devices/interface/ip", "a guest's own addresses are set in the guest"),
    refused("devices/interface/route", "a guest's own routes are set in the guest"),
    refused("devices/interface/script", "scripts are never run", "use an existing bridge"),
    refused("devices/interface/downscript", "scripts are never run", "use an existing bridge"),
    refused("devices/interface/filterref", "libvirt's network filters are not read"),
    refused("devices/interface/virtualport", "virtual switch ports are not in this release"),
    refused("devices/interface/guest|backend|coalesce|tune|rom|teaming|port|portForward|acpi",
            no_detail),
};

} // namespace

std::span<const Row> interface_rows() {
    return rows;
}

} // namespace mshv::guestxml
