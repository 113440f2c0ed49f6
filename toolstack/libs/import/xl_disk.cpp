// SPDX-License-Identifier: Apache-2.0
// disk = [ 'target,format,vdev,access', 'format=…, vdev=…, target=…', 'phy:target,vdev,access' ]
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/import/xl_handlers.hpp"

#include <array>
#include <optional>
#include <set>

namespace mshv::foreign {
namespace {

using guestxml::has_word;
using guestxml::shown;
using guestxml::trimmed;

constexpr std::string_view format_words = "raw qcow qcow2 vhd qed";

/// A disk as xl's text describes it; what is not said is absent.
struct XlDisk {
    std::optional<std::string> target, format, vdev, access;
    bool cdrom = false;
    bool discard = true;
    std::string script;
};

bool is_key(std::string_view word) {
    return !word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                                   "UVWXYZ0123456789-_") == std::string_view::npos;
}

/// "xvda", "hdc:cdrom": letters and digits as a guest names its disks, not a format.
bool looks_like_vdev(std::string_view word) {
    word = word.substr(0, word.find(':'));
    for (const std::string_view start : {"xvd", "hd", "sd", "vd"}) {
        if (word.starts_with(start) && word.size() > start.size()) {
            return is_key(word);
        }
    }
    return false;
}

class DiskReader {
public:
    DiskReader(XlContext& context, const XlItem& item) : context_(context), item_(item) {}

    XlDisk read() {
        std::string_view rest = item_.text;
        while (!rest.empty()) {
            const std::size_t start = std::min(rest.find_first_not_of(" \t"), rest.size());
            rest.remove_prefix(start);
            const std::size_t comma = std::min(rest.find(','), rest.size());
            const XlPair pair = pair_of(rest.substr(0, comma));
            if (pair.has_value && pair.key == "target") {
                // By name it takes the whole rest: the way to write a comma in a path.
                give(made_.target, rest.substr(rest.find('=') + 1), "target");
                return std::move(made_);
            }
            if (pair.has_value && is_key(pair.key)) {
                named(pair.key, pair.value);
            } else if (!flagged(trimmed(rest.substr(0, comma)))) {
                positional(trimmed(rest.substr(0, comma)));
            }
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
        return std::move(made_);
    }

private:
    void give(std::optional<std::string>& to, std::string_view value, std::string_view name) {
        if (to && !to->empty()) {
            context_.error("E-DUP", item_.origin, shown(name) + " is given twice");
        }
        to = std::string(value);
    }

    void named(std::string_view key, std::string_view value) {
        if (key == "format") {
            give(made_.format, value, key);
        } else if (key == "vdev") {
            vdev(value);
        } else if (key == "access") {
            give(made_.access, value, key);
        } else if (key == "devtype") {
            device_type(value);
        } else if (key == "script") {
            made_.script = value;
        } else if (key == "backend") {
            if (value != "0" && value != "Domain-0" && !value.empty()) {
                lose("backend", "there are no driver domains", "uses this host's disk");
            }
        } else if (key.starts_with("colo-") || key == "active-disk" || key == "hidden-disk") {
            lose(key, "there is no COLO replication", "leaves it out");
        } else if (key != "backendtype" && key != "specification" && key != "grant_usage") {
            context_.error("E-KEY", item_.origin, shown(key) + " is no parameter of a disk");
        }
    }

    bool flagged(std::string_view word) {
        if (word == "cdrom") {
            made_.cdrom = true;
        } else if (word == "discard" || word == "no-discard") {
            made_.discard = word == "discard";
        } else if (word == "colo") {
            lose("colo", "there is no COLO replication", "leaves it out");
        } else {
            return word == "direct-io-safe" || word == "trusted" || word == "untrusted";
        }
        return true;
    }

    void positional(std::string_view word) {
        if (!made_.target) {
            made_.target = std::string(without_prefixes(word));
        } else if (!made_.format && !made_.vdev && !looks_like_vdev(word)) {
            made_.format = std::string(word);
        } else if (!made_.vdev) {
            vdev(word);
        } else if (!made_.access) {
            made_.access = std::string(word);
        } else if (!word.empty()) {
            context_.error("E-KEY", item_.origin, shown(word) + " is one parameter too many");
        }
    }

    /// "tap:qcow2:/x": the format, or a word of old that says nothing.
    std::string_view without_prefixes(std::string_view target) {
        constexpr std::string_view silent = "phy file tap tap2 tapdisk aio ioemu";
        constexpr std::string_view scripts = "iscsi nbd enbd drbd";
        for (std::size_t colon = target.find(':'); colon != std::string_view::npos;
             colon = target.find(':')) {
            const std::string_view word = target.substr(0, colon);
            if (has_word(format_words, word)) {
                made_.format = std::string(word);
            } else if (has_word(scripts, word)) {
                made_.script = "block-" + std::string(word);
            } else if (!has_word(silent, word)) {
                return target;
            }
            target.remove_prefix(colon + 1);
        }
        return target;
    }

    void vdev(std::string_view word) {
        const std::size_t colon = word.find(':');
        give(made_.vdev, word.substr(0, colon), "vdev");
        if (colon != std::string_view::npos) {
            device_type(word.substr(colon + 1));
        }
    }

    void device_type(std::string_view word) {
        made_.cdrom = made_.cdrom || word == "cdrom";
        if (word != "cdrom" && word != "disk" && !word.empty()) {
            context_.error("E-ENUM", item_.origin, shown(word) + " is no kind of disk", "cdrom");
        }
    }

    void lose(std::string_view name, const std::string& what, const std::string& instead) {
        context_.loses(context_.part(item_.origin, name, item_.value->at), what, instead);
    }

    XlContext& context_;
    const XlItem& item_;
    XlDisk made_;
};

/// Gives disks their names here.
class DiskWriter {
public:
    explicit DiskWriter(XlContext& context) : context_(context) {}

    void write(const XlItem& item) {
        const XlDisk disk = DiskReader(context_, item).read();
        if (!disk.script.empty()) {
            const Origin by = context_.part(item.origin, "script", item.value->at);
            if (context_.loses(by,
                               "scripts are never run: " + shown(disk.script) +
                                   " would have to make the disk",
                               "leaves the disk out")) {
                return;
            }
        }
        const auto target = name_of(disk, item.origin);
        if (!target) {
            return;
        }
        std::string path = disk.target.value_or("");
        if (!path.empty() && !path.starts_with('/')) {
            path.insert(0, "/dev/");
        }
        const bool block = path.starts_with("/dev/");
        auto& element = context_.draft().another("devices/disk", item.origin);
        element.set("type", block ? "block" : "file");
        element.set("device", disk.cdrom ? "cdrom" : "disk");
        auto& driver = element.add("driver", item.origin).set("name", "qemu");
        driver.set("type", format(disk, item.origin));
        const bool writable = access(disk, item.origin) && !disk.cdrom;
        if (disk.discard && writable) {
            driver.set("discard", "unmap");
        }
        if (!path.empty()) {
            element.add("source", item.origin).set(block ? "dev" : "file", path);
        }
        element.add("target", item.origin)
            .set("dev", *target)
            .set("bus", target->starts_with('v') ? "virtio" : "sata");
        if (!writable && !disk.cdrom) {
            element.add("readonly", item.origin);
        }
    }

    DiskNames take() { return std::move(names_); }

private:
    std::string format(const XlDisk& disk, Origin by) {
        const std::string word = disk.format.value_or("");
        if (word.empty()) {
            return "raw";
        }
        if (!has_word(format_words, word)) {
            context_.error("E-ENUM", by, shown(word) + " is not one of raw, qcow, qcow2, vhd, qed");
            return "raw";
        }
        return word == "vhd" ? "vpc" : word;
    }

    bool access(const XlDisk& disk, Origin by) {
        const std::string word = disk.access.value_or("");
        if (!word.empty() && !has_word("r ro w rw w! !", word)) {
            context_.error("E-ENUM", by, shown(word) + " is not one of r, ro, w, rw");
        }
        if (word.find('!') != std::string::npos) {
            context_.loses(by, "a disk that several guests write must say so",
                           "leaves it to one guest; <shareable/> is what to add");
        }
        return word != "r" && word != "ro";
    }

    /// vda… for xvd and vd, sda… for the rest and for CD drives; the letter is kept where it is
    /// free.
    std::optional<std::string> name_of(const XlDisk& disk, Origin by) {
        const std::string vdev = disk.vdev.value_or("");
        const std::size_t prefix = vdev.starts_with("xvd") ? 3 : 2;
        const std::string letters = vdev.substr(std::min(prefix, vdev.size()));
        if (vdev.empty()) {
            context_.error("E-MISSING", by, "the disk has no vdev", "such as xvda");
            return std::nullopt;
        }
        if (!looks_like_vdev(vdev)) {
            context_.error("E-TYPE", by, shown(vdev) + " is no disk's name", "such as xvda");
            return std::nullopt;
        }
        if (letters.find_first_of("0123456789") != std::string::npos) {
            context_.loses(by, shown(vdev) + " is a partition without its disk",
                           "leaves the disk out");
            return std::nullopt;
        }
        const bool virtio = !disk.cdrom && (prefix == 3 || vdev.starts_with("vd"));
        const std::string start = virtio ? "vd" : "sd";
        std::string name = start + letters;
        for (char letter = 'a'; letter <= 'z' && used_.count(name) != 0; ++letter) {
            name = start + letter;
        }
        used_.insert(name);
        if (!disk.cdrom && vdev != name) {
            context_.note(
                by, vdev + " is " + name + " here, on the " + (virtio ? "virtio" : "sata") + " bus",
                virtio ? "the guest needs virtio_blk in its initial RAM disk"
                       : "the guest needs the driver of an AHCI controller");
        }
        names_.emplace(vdev, name);
        return name;
    }

    XlContext& context_;
    std::set<std::string> used_;
    DiskNames names_;
};

} // namespace

DiskNames xl_disks(XlContext& context) {
    DiskWriter writer(context);
    for (const XlItem& item : context.items("disk")) {
        writer.write(item);
    }
    static_cast<void>(context.text("hdtype")); // IDE and AHCI disks are both SATA's here
    return writer.take();
}

} // namespace mshv::foreign
