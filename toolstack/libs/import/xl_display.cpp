// SPDX-License-Identifier: Apache-2.0
// What the guest's screen, keyboard and serial port become.
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/xl_handlers.hpp"

namespace mshv::foreign {
namespace {

using guestxml::shown;

/// A display as keys of its own or one string of vfb describe it.
struct Display {
    Origin by = no_origin;
    bool wanted = false;
};

void listens(XlContext& context, Origin by, std::string_view address) {
    address = address.substr(0, address.find(':'));
    if (address.empty() || address == "127.0.0.1" || address == "localhost") {
        context.note(by, "the display listens on a Unix socket, not on a port of the host");
    } else {
        context.loses(by, "a display listens on a Unix socket only, not on " + shown(address),
                      "makes it a socket of the host");
    }
}

void password(XlContext& context, Origin by, std::string_view word) {
    if (!word.empty()) {
        context.loses(by, "passwords do not belong into a definition",
                      "leaves it out: the socket's permissions guard the display");
    }
}

void keys_of_its_own(XlContext& context) {
    if (context.has("vnclisten")) {
        listens(context, context.origin("vnclisten"), context.text("vnclisten"));
    }
    if (context.has("vncdisplay")) {
        static_cast<void>(context.number("vncdisplay"));
        context.note(context.origin("vncdisplay"), "a display on a Unix socket has no number");
    }
    static_cast<void>(context.flag("vncunused"));
    if (context.has("vncpasswd")) {
        password(context, context.origin("vncpasswd"), context.text("vncpasswd"));
    }
}

Display framebuffer(XlContext& context) {
    Display made;
    for (const XlItem& item : context.items("vfb")) {
        made = {item.origin, true};
        for (const std::string_view word : split(item.text, ',')) {
            const XlPair pair = pair_of(word);
            const Origin by = context.part(item.origin, pair.key, item.value->at);
            if (pair.key == "vnclisten") {
                listens(context, by, pair.value);
            } else if (pair.key == "vncpasswd") {
                password(context, by, pair.value);
            } else if (pair.key == "vnc" || pair.key == "type") {
                made.wanted = pair.value != "0" && pair.value != "sdl";
            } else if ((pair.key == "sdl" || pair.key == "opengl") && pair.value == "1") {
                context.loses(by, "a display on the host's screen is not in this release",
                              "leaves it out");
            } else if (pair.key == "keymap" || pair.key == "vncdisplay") {
                context.note(by, "displays have no such detail in this release");
            }
        }
    }
    return made;
}

void adapter(XlContext& context, XlType type, const Display& display) {
    const bool named = context.has("vga");
    const Origin by = context.origin(named ? "vga" : "stdvga");
    const std::string word = named                      ? context.text("vga")
                             : context.is_set("stdvga") ? "stdvga"
                             : type == XlType::hvm      ? "cirrus"
                                                        : "";
    if (word == "none") {
        return;
    }
    if (!word.empty() && word != "stdvga" && word != "cirrus" && word != "qxl") {
        context.error("E-ENUM", by, shown(word) + " is not one of stdvga, cirrus, qxl, none");
    }
    if (named && word != "stdvga") {
        context.note(by, word + " is vga here");
    }
    const Origin owner = named || context.has("stdvga") ? by : display.by;
    context.draft().at("devices/video/model", owner).set("type", "vga", owner);
}

void serial_port(XlContext& context, const XlItem& item, bool first) {
    const std::string_view word = item.text;
    if (word == "none" || word.empty()) {
        return;
    }
    if (!first) {
        context.loses(item.origin, "a partition has one console", "leaves the port out");
    } else if (word != "pty") {
        context.loses(item.origin,
                      "the keeper holds the console; " + shown(word) +
                          " is no end of it in this release",
                      "makes it the partition's console");
    }
}

} // namespace

void xl_display(XlContext& context, XlType type) {
    Display display = framebuffer(context);
    keys_of_its_own(context);
    const auto vnc = context.flag("vnc");
    const bool screen = type == XlType::hvm && !context.is_set("nographic");
    if (vnc) {
        display = {context.origin("vnc"), *vnc && screen};
    } else if (display.by == no_origin && screen && !context.is_set("spice") &&
               !context.is_set("sdl")) {
        // What xl does for a full machine that says nothing of it.
        display = {context.origin(context.has("type") ? "type" : "builder"), true};
    }
    if (context.has("keymap")) {
        context.note(context.origin("keymap"), "displays have no keymap in this release");
    }
    if (!display.wanted) {
        for (const std::string_view key : {"vga", "stdvga"}) {
            if (context.has(key) && context.text(key) != "none" && context.text(key) != "0") {
                context.note(context.origin(key), "the guest has no display");
            }
        }
        return;
    }
    context.draft().another("devices/graphics", display.by).set("type", "vnc");
    adapter(context, type, display);
}

void xl_serial(XlContext& context, XlType type) {
    const auto ports = context.items("serial");
    bool first = true;
    for (const XlItem& port : ports) {
        serial_port(context, port, first);
        first = false;
    }
    // A guest of xl always has a console; a full machine's is its serial port here.
    const bool serial = type == XlType::hvm || !ports.empty();
    const Origin by = context.origin(!ports.empty() ? "serial" : "type");
    context.draft()
        .another("devices/console", by)
        .set("type", "pty")
        .add("target", by)
        .set("type", serial ? "serial" : "virtio");
}

} // namespace mshv::foreign
