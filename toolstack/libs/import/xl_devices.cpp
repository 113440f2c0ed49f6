// SPDX-License-Identifier: Apache-2.0
// Input, passed-through devices, shared folders, channels, TPM.
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/xl_handlers.hpp"

#include <charconv>
#include <optional>

namespace mshv::foreign {
namespace {

using guestxml::shown;

void input(XlContext& context, const XlItem& item) {
    const std::string_view word = guestxml::trimmed(item.text);
    if (word == "tablet" || word == "keyboard") {
        context.draft().another("devices/input", item.origin).set("type", word).set("bus", "usb");
    } else if (word == "mouse") {
        if (context.loses(item.origin, "a USB mouse is not in this release", "makes it a tablet")) {
            context.draft()
                .another("devices/input", item.origin)
                .set("type", "tablet")
                .set("bus", "usb");
        }
    } else if (!word.empty()) {
        context.loses(item.origin, shown(word) + " is no USB device of this release",
                      "leaves it out");
    }
}

struct PciAddress {
    unsigned domain = 0, bus = 0, slot = 0, function = 0;
};

/// Reads hexadecimal digits up to `end`, which is taken too; false when there are none.
bool hexadecimal(std::string_view& text, char end, unsigned most, unsigned& number) {
    const std::string_view digits = text.substr(0, text.find(end));
    const char* const first = digits.data();
    const char* const last = first + digits.size();
    const auto [stop, error] = std::from_chars(first, last, number, 16);
    const bool read = error == std::errc{} && stop == last && number <= most;
    text.remove_prefix(std::min(digits.size() + 1, text.size()));
    return read;
}

/// [dddd:]bb:ss.f, with what follows '@' or ',' left out.
std::optional<PciAddress> pci_address(std::string_view text) {
    text = guestxml::trimmed(text.substr(0, text.find_first_of("@,")));
    PciAddress made;
    const bool with_domain = text.find(':') != text.rfind(':');
    const bool read = (!with_domain || hexadecimal(text, ':', 0xffff, made.domain)) &&
                      hexadecimal(text, ':', 0xff, made.bus) &&
                      hexadecimal(text, '.', 0x1f, made.slot) &&
                      hexadecimal(text, '\0', 7, made.function);
    return read && text.empty() ? std::optional(made) : std::nullopt;
}

std::string hexadecimal_word(unsigned number, std::size_t digits) {
    constexpr std::string_view signs = "0123456789abcdef";
    std::string word(digits, '0');
    for (std::size_t i = digits; i-- > 0; number >>= 4) {
        word[i] = signs[number & 15];
    }
    return "0x" + word;
}

void passed_through(XlContext& context, const XlItem& item) {
    std::string_view text = item.text;
    const std::size_t named = text.find("bdf=");
    text.remove_prefix(named == std::string_view::npos ? 0 : named + 4);
    const auto address = pci_address(text);
    if (!address) {
        context.error("E-TYPE", item.origin, shown(item.text) + " is no PCI address",
                      "such as 0000:3b:00.1");
        return;
    }
    auto& element = context.draft().another("devices/hostdev", item.origin);
    element.set("mode", "subsystem").set("type", "pci").set("managed", "yes");
    element.add("source", item.origin)
        .add("address", item.origin)
        .set("domain", hexadecimal_word(address->domain, 4))
        .set("bus", hexadecimal_word(address->bus, 2))
        .set("slot", hexadecimal_word(address->slot, 2))
        .set("function", hexadecimal_word(address->function, 1));
}

void shared_folder(XlContext& context, const XlItem& item) {
    auto& element = context.draft().another("devices/filesystem", item.origin);
    element.set("type", "mount");
    for (const std::string_view word : split(item.text, ',')) {
        const XlPair pair = pair_of(word);
        if (pair.key == "path") {
            element.add("source", item.origin).set("dir", pair.value);
        } else if (pair.key == "tag") {
            element.add("target", item.origin).set("dir", pair.value);
        } else if (pair.key == "security_model") {
            element.set("accessmode", pair.value == "none" ? "passthrough" : pair.value);
        }
    }
}

void channel(XlContext& context, const XlItem& item) {
    std::string_view name, connection = "socket", path;
    for (const std::string_view word : split(item.text, ',')) {
        const XlPair pair = pair_of(word);
        name = pair.key == "name" ? pair.value : name;
        connection = pair.key == "connection" ? pair.value : connection;
        path = pair.key == "path" ? pair.value : path;
    }
    auto& element = context.draft().another("devices/channel", item.origin);
    element.set("type", connection == "socket" ? "unix" : connection);
    element.add("target", item.origin).set("type", "virtio").set("name", name);
    if (!path.empty() && name == "org.qemu.guest_agent.0") {
        context.note(context.part(item.origin, "path", item.value->at),
                     "the agent's socket is the keeper's own");
    }
}

void tpm(XlContext& context, const XlItem& item) {
    auto& element = context.draft().another("devices/tpm", item.origin);
    element.set("model", "tpm-crb");
    element.add("backend", item.origin).set("type", "emulator").set("version", "2.0");
}

} // namespace

void xl_devices(XlContext& context) {
    static_cast<void>(context.flag("usb")); // the controller comes with the device
    for (const XlItem& item : context.items("usbdevice")) {
        input(context, item);
    }
    for (const XlItem& item : context.items("pci")) {
        passed_through(context, item);
    }
    for (const XlItem& item : context.items("p9")) {
        shared_folder(context, item);
    }
    for (const XlItem& item : context.items("channel")) {
        channel(context, item);
    }
    for (const XlItem& item : context.items("vtpm")) {
        tpm(context, item);
    }
}

} // namespace mshv::foreign
