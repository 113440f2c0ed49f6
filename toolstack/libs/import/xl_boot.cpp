// SPDX-License-Identifier: Apache-2.0
// Kernel, firmware, boot order, SMBIOS.
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/xl_handlers.hpp"

#include <array>

namespace mshv::foreign {
namespace {

using guestxml::shown;

/// Disks are named otherwise here, and a kernel that looks for its root must be told.
std::string renamed(std::string line, const DiskNames& disks, std::string& told) {
    constexpr std::string_view folder = "/dev/";
    std::size_t at = 0;
    while ((at = line.find(folder, at)) != std::string::npos) {
        const std::size_t start = at + folder.size();
        std::size_t end = start;
        while (end < line.size() && line[end] >= 'a' && line[end] <= 'z') {
            ++end;
        }
        const auto found = disks.find(line.substr(start, end - start));
        if (found != disks.end() && found->first != found->second) {
            told = "/dev/" + found->first + " is /dev/" + found->second + " here";
            line.replace(start, end - start, found->second);
        }
        at = start;
    }
    return line;
}

void command_line(XlContext& context, const DiskNames& disks) {
    const bool whole = context.has("cmdline");
    const auto say = [&](std::string_view key, const std::string& text) {
        std::string told;
        const std::string line = renamed(text, disks, told);
        if (!told.empty()) {
            context.note(context.origin(key), told, "look for the name in the guest's files too");
        }
        return line;
    };
    std::string line;
    if (whole) {
        line = say("cmdline", context.text("cmdline"));
        for (const std::string_view key : {"root", "extra"}) {
            if (context.has(key)) {
                context.note(context.origin(key), "as in xl, it does not count beside cmdline");
            }
        }
    } else {
        if (context.has("root")) {
            line = say("root", "root=" + context.text("root"));
        }
        if (context.has("extra")) {
            line += (line.empty() ? "" : " ") + say("extra", context.text("extra"));
        }
    }
    if (line.empty()) {
        return;
    }
    const Origin by = context.origin(whole ? "cmdline" : context.has("root") ? "root" : "extra");
    context.draft().at("os/cmdline", by).say(line);
}

/// The firmware that a word of xl stands for.
void firmware_word(XlContext& context, std::string_view key) {
    const Origin by = context.origin(key);
    const std::string word = context.text(key);
    Draft& draft = context.draft();
    if (word == "ovmf" || word == "uefi") {
        draft.at("os", by).set("firmware", "efi", by);
    } else if (word == "rombios" || word == "qemu-xen-traditional") {
        context.loses(by, "there is no ROMBIOS", "boots with SeaBIOS");
    } else if (word == "pvgrub32" || word == "pvgrub64") {
        context.loses(by, "there is no GRUB for paravirtual guests", "boots the disk with SeaBIOS");
    } else if (word.starts_with('/')) {
        draft.at("os/loader", by).set("readonly", "yes").set("type", "rom").say(word);
    } else if (!word.empty() && word != "bios" && word != "seabios") {
        context.error("E-ENUM", by, shown(word) + " is no firmware that xl knows",
                      "bios, seabios, ovmf, uefi, or a path");
    }
}

void firmware_path(XlContext& context, std::string_view key) {
    const Origin by = context.origin(key);
    const bool efi = context.text("bios") == "ovmf" || context.text("firmware") == "ovmf" ||
                     context.text("firmware") == "uefi";
    context.note(by, "firmware that was built for Xen does not run with another VMM",
                 "without this key mshvd finds the firmware");
    context.draft()
        .at("os/loader", by)
        .set("readonly", "yes", by)
        .set("type", efi ? "pflash" : "rom", by)
        .say(context.text(key));
}

/// What xend had to be told for every full machine.
bool is_hvmloader(XlContext& context) {
    const XlValue* kernel = context.value("kernel");
    return kernel != nullptr && kernel->text.ends_with("hvmloader");
}

void boot_order(XlContext& context, XlType type) {
    if (!context.has("boot")) {
        return;
    }
    const Origin by = context.origin("boot");
    if (type != XlType::hvm || (context.has("kernel") && !is_hvmloader(context))) {
        context.note(by, "a kernel is booted directly");
        return;
    }
    std::string seen;
    for (const char letter : context.text("boot")) {
        const std::string_view device = letter == 'c'   ? "hd"
                                        : letter == 'd' ? "cdrom"
                                        : letter == 'n' ? "network"
                                                        : "";
        if (seen.find(letter) != std::string::npos) {
            continue;
        }
        seen += letter;
        if (letter == 'a') {
            context.loses(by, "there are no floppy drives", "leaves the drive out");
        } else if (device.empty()) {
            context.error("E-ENUM", by, shown(std::string(1, letter)) + " is no boot device",
                          "c is the disk, d the CD drive, n the network");
        } else {
            context.draft().another("os/boot", by).set("dev", device);
        }
    }
}

struct SmbiosName {
    std::string_view theirs, block, name;
};
constexpr std::array<SmbiosName, 16> smbios_names{
    {{"bios_vendor", "bios", "vendor"},
     {"bios_version", "bios", "version"},
     {"system_manufacturer", "system", "manufacturer"},
     {"system_product_name", "system", "product"},
     {"system_version", "system", "version"},
     {"system_serial_number", "system", "serial"},
     {"baseboard_manufacturer", "baseBoard", "manufacturer"},
     {"baseboard_product_name", "baseBoard", "product"},
     {"baseboard_version", "baseBoard", "version"},
     {"baseboard_serial_number", "baseBoard", "serial"},
     {"baseboard_asset_tag", "baseBoard", "asset"},
     {"baseboard_location_in_chassis", "baseBoard", "location"},
     {"enclosure_manufacturer", "chassis", "manufacturer"},
     {"enclosure_serial_number", "chassis", "serial"},
     {"enclosure_asset_tag", "chassis", "asset"},
     {"oem", "oemStrings", ""}}};

void smbios(XlContext& context) {
    for (const XlItem& item : context.items("smbios")) {
        for (const std::string_view part : split(item.text, ',')) {
            const XlPair pair = pair_of(part);
            const auto* known =
                std::find_if(smbios_names.begin(), smbios_names.end(), [&](const SmbiosName& name) {
                    return name.theirs == pair.key ||
                           (name.block == "oemStrings" && pair.key.starts_with("oem"));
                });
            if (known == smbios_names.end()) {
                context.loses(item.origin, shown(pair.key) + " cannot be told to the guest",
                              "leaves it out");
                continue;
            }
            const Origin all = context.origin("smbios");
            context.draft().at("os/smbios", all).set("mode", "sysinfo", all);
            context.draft().at("sysinfo", all).set("type", "smbios", all);
            auto& entry = context.draft().another("sysinfo/" + std::string(known->block) + "/entry",
                                                  item.origin);
            if (!known->name.empty()) {
                entry.set("name", known->name);
            }
            entry.say(pair.value);
        }
    }
}

} // namespace

void xl_boot(XlContext& context, XlType type, const DiskNames& disks) {
    Draft& draft = context.draft();
    if (is_hvmloader(context)) {
        context.note(context.origin("kernel"), "as in xl, Xen's own loader is not asked for");
    } else if (context.has("kernel")) {
        draft.at("os/kernel", context.origin("kernel")).say(context.text("kernel"));
    }
    if (context.has("ramdisk")) {
        draft.at("os/initrd", context.origin("ramdisk")).say(context.text("ramdisk"));
    }
    command_line(context, disks);
    for (const std::string_view key : {"bios", "firmware"}) {
        if (context.has(key)) {
            firmware_word(context, key);
        }
    }
    for (const std::string_view key : {"bios_path_override", "firmware_override"}) {
        if (context.has(key)) {
            firmware_path(context, key);
        }
    }
    if (context.has("bootloader")) {
        context.loses(context.origin("bootloader"),
                      context.has("kernel") ? "boot loaders on the host are not run"
                                            : "boot loaders on the host are not run: the guest's "
                                              "own must be on its disk",
                      context.has("kernel") ? "boots the kernel" : "boots the disk with SeaBIOS");
    }
    boot_order(context, type);
    smbios(context);
}

} // namespace mshv::foreign
