// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/libvirt_rules.hpp"

#include "toolstack/libs/guestxml/grammar.hpp"
#include "toolstack/libs/guestxml/text.hpp"
#include "toolstack/libs/guestxml/value.hpp"
#include "toolstack/libs/import/accept.hpp"
#include "toolstack/libs/import/libvirt_devices.hpp"

#include <algorithm>

namespace mshv::foreign {
namespace {

using guestxml::Attribute;
using guestxml::listed;
using guestxml::Node;
using guestxml::trimmed;

enum class Weight { note, loss };

/// One element, attribute or text that this release refuses, and what becomes of it.
struct Rule {
    std::string_view path;   ///< without indices; the last part may name several ("a|b")
    std::string_view values; ///< of an attribute or text; empty: whatever it is
    std::string_view to;     ///< the new value; empty: it is left out
    Weight weight;
    std::string_view message; ///< what is lost
    std::string_view instead; ///< of a loss: completes "--accept=… "
};

constexpr Weight note = Weight::note;
constexpr Weight loss = Weight::loss;
constexpr std::string_view queue_detail = "the queue's details are the VMM's here";
constexpr std::string_view own_interfaces =
    "Hyper-V's interfaces are the hypervisor's own, and not there with KVM and QEMU's emulation";
constexpr std::string_view own_timer = "this timer is the accelerator's own";
constexpr std::string_view display_detail = "displays have no such detail in this release";
constexpr std::string_view no_dump = "no core dump is taken";
constexpr std::string_view no_version =
    "the chipset's version is not kept: the guest sees that of the QEMU it runs on";

constexpr Rule rules[] = {
    {"os/type/@machine", "pc-q35-* q35-*", "q35", note, no_version, ""},
    {"os/type/@machine", "pc-i440fx-*", "pc", note, no_version, ""},
    {"os/nvram/@template|templateFormat", "", "", note,
     "the template belongs to the firmware and "
     "is found by mshvd",
     ""},
    {"os/loader/@secure", "yes", "no", loss, "secure boot is not in this release",
     "boots without it"},
    {"os/firmware/feature", "", "", loss, "secure boot is not in this release", "boots without it"},
    {"cpu/@mode", "host-model", "host-passthrough", note,
     "the guest sees the host's processor itself, not libvirt's model of it", ""},
    {"cpu/@check", "partial full", "none", note, "the model is not compared with the host", ""},
    {"features/smm|pmu|ioapic|pvspinlock|vmcoreinfo", "", "", note,
     "this feature is the VMM's own choice", ""},
    {"features/hyperv", "", "", note, own_interfaces, ""},
    {"features/kvm", "", "", loss, "KVM's own features cannot be chosen in this release",
     "leaves them as they are"},
    {"clock/timer", "tsc kvmclock hypervclock platform", "", note, own_timer, ""},
    {"on_poweroff", "rename-restart", "restart", loss, "nothing is renamed at the end",
     "restarts it"},
    {"on_reboot", "rename-restart", "restart", loss, "nothing is renamed at the end",
     "restarts it"},
    {"on_crash", "coredump-restart rename-restart", "restart", loss, no_dump, "restarts it"},
    {"on_crash", "coredump-destroy", "destroy", loss, no_dump, "destroys it"},
    {"resource", "", "", note, "mshvd makes the partition's cgroup", ""},
    {"memoryBacking/source", "anonymous file", "", note, "RAM is always a memfd", ""},
    {"memoryBacking/nosharepages", "", "", note, "RAM is never shared between guests", ""},
    {"iothreadids", "", "", note, "I/O threads have no numbers", ""},
    {"devices/disk/@snapshot", "", "", note, "there are no snapshots in this release", ""},
    {"devices/disk/driver/@cache", "default", "", note, "the default is none here", ""},
    {"devices/disk/driver/"
     "@queue_size|iothread|iommu|ats|packed|page_per_vq|event_idx|ioeventfd",
     "", "", note, queue_detail, ""},
    {"devices/disk/source/@startupPolicy", "optional requisite", "", loss,
     "a missing image is always an error", "makes it one"},
    {"devices/controller", "scsi ide fdc nvme ccid isa xenbus", "", note,
     "controllers are added as devices need them", ""},
    {"devices/controller/@model", "", "", note, "controllers are added as devices need them", ""},
    {"devices/controller/driver", "", "", note, "controllers have no settings in this release", ""},
    {"devices/interface/driver/@name", "", "", note, "the VMM chooses between vhost and itself",
     ""},
    {"devices/interface/driver/"
     "@rx_queue_size|tx_queue_size|iommu|ats|packed|page_per_vq|event_idx|ioeventfd|txmode",
     "", "", note, queue_detail, ""},
    {"devices/interface/model/@type", "virtio-transitional virtio-non-transitional", "virtio", note,
     "the guest sees a modern virtio card", ""},
    {"devices/interface/rom|coalesce|backend", "", "", note,
     "this detail of an interface is the VMM's", ""},
    {"devices/channel/source/@path", "", "", note, "the agent's socket is the keeper's own", ""},
    {"devices/serial/log", "", "", note, "the keeper keeps the log: mshvctl console --log", ""},
    {"devices/console/log", "", "", note, "the keeper keeps the log: mshvctl console --log", ""},
    {"devices/input/@bus", "virtio", "usb", note, "the device is on the USB bus here", ""},
    {"devices/video/model/@type", "qxl cirrus vmvga vbox", "vga", note,
     "the guest sees a VGA adapter", ""},
    {"devices/video/model/@ram|vram|vram64|vgamem|blob|edid", "", "", note,
     "the adapter's memory is the VMM's", ""},
    {"devices/video/model/acceleration|resolution", "", "", note, display_detail, ""},
    {"devices/video/driver", "", "", note, display_detail, ""},
    {"devices/graphics/@keymap|sharePolicy|tlsPort|connected|powerControl|websocket|"
     "websocketGenerated|defaultMode",
     "", "", note, display_detail, ""},
    {"devices/memballoon/stats", "", "", note, "the balloon tells no statistics", ""},
    {"devices/memballoon/driver", "", "", note, queue_detail, ""},
    {"devices/rng/driver", "", "", note, queue_detail, ""},
};

bool same_path(std::string_view rule, std::string_view path) {
    const std::size_t slash = path.rfind('/');
    const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
    if (rule.substr(0, start) != path.substr(0, start)) {
        return false;
    }
    std::string_view names = rule.substr(start), name = path.substr(start);
    if (name.starts_with('@') != names.starts_with('@')) {
        return false;
    }
    names.remove_prefix(names.starts_with('@') ? 1 : 0);
    name.remove_prefix(name.starts_with('@') ? 1 : 0);
    for (;;) {
        const std::size_t bar = std::min(names.find('|'), names.size());
        if (names.substr(0, bar) == name) {
            return true;
        }
        if (bar == names.size()) {
            return false;
        }
        names.remove_prefix(bar + 1);
    }
}

class Rewriter {
public:
    Rewriter(Edits& edits, LibvirtReport& report) : edits_(edits), report_(report) {}

    void walk(const Node& node, const std::string& path) {
        for (const Attribute& attribute : node.attributes) {
            const std::string at = path + (path.empty() ? "@" : "/@") + attribute.name;
            apply({&node, &attribute, at}, attribute.value);
        }
        for (std::size_t i = 0; i < node.children.size(); ++i) {
            const Node& child = node.children[i];
            const std::string at = (path.empty() ? "" : path + "/") + step(node, i);
            if (child.space.empty() && !apply({&child, nullptr, at}, said(child))) {
                walk(child, at);
            }
        }
    }

private:
    static std::string step(const Node& parent, std::size_t index) {
        const std::string& name = parent.children[index].name;
        std::size_t same = 0, mine = 0;
        for (std::size_t i = 0; i < parent.children.size(); ++i) {
            same += parent.children[i].name == name ? 1 : 0;
            mine = i == index ? same : mine;
        }
        return name + (same > 1 ? "[" + std::to_string(mine) + "]" : "");
    }

    /// What a rule of an element asks about: its text, or the attribute that says its kind.
    static std::string said(const Node& node) {
        for (const std::string_view name : {"type", "name"}) {
            if (const Attribute* found = node.attribute(name)) {
                return found->value;
            }
        }
        return std::string(trimmed(node.text));
    }

    /// True when the whole element is gone.
    bool apply(const LibvirtSpot& spot, const std::string& value) {
        const std::string bare = without_indices(spot.path);
        for (const Rule& rule : rules) {
            if (!same_path(rule.path, bare) ||
                !(rule.values.empty() || listed(rule.values, trimmed(value))) ||
                taken(spot, bare, value)) {
                continue;
            }
            if (rule.weight == note) {
                report_.note(spot, std::string(rule.message), "");
            } else {
                report_.loses(spot, std::string(rule.message), std::string(rule.instead));
            }
            return rewrite(spot, rule);
        }
        return false;
    }

    static bool taken(const LibvirtSpot& spot, const std::string& bare, const std::string& value) {
        if (spot.attribute != nullptr) {
            return table_takes(bare, trimmed(value));
        }
        if (bare == "features/hyperv" && spot.node->attribute("mode") == nullptr) {
            return false; // as libvirt wrote it before it knew passthrough
        }
        for (const std::string_view name : {"type", "name", "enabled", "mode"}) {
            const Attribute* found = spot.node->attribute(name);
            if (found != nullptr &&
                !table_takes(bare + "/@" + std::string(name), trimmed(found->value))) {
                return false;
            }
        }
        return table_takes(bare, trimmed(spot.node->text));
    }

    bool rewrite(const LibvirtSpot& spot, const Rule& rule) {
        if (spot.attribute == nullptr && rule.to.empty()) {
            edits_.erase(*spot.node);
            return true;
        }
        if (spot.attribute == nullptr) {
            edits_.replace(spot.node->text_at, std::string(rule.to));
        } else if (rule.to.empty()) {
            edits_.erase(*spot.attribute);
        } else {
            edits_.replace(spot.attribute->value_at, std::string(rule.to));
        }
        return false;
    }

    Edits& edits_;
    LibvirtReport& report_;
};

} // namespace

bool table_takes(std::string_view path, std::string_view value) {
    const guestxml::ElementRule* rule = &guestxml::grammar();
    const guestxml::Row* row = nullptr;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view step = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (step.starts_with('@')) {
            row = rule->attribute(step.substr(1));
            break;
        }
        rule = rule->child(step);
        if (rule == nullptr || !rule->row->accepted()) {
            return false;
        }
        row = rule->row;
    }
    if (row == nullptr || !row->accepted()) {
        return false;
    }
    return row->type != guestxml::Type::choice || row->words.empty() || value.empty() ||
           listed(row->words, value);
}

void apply_libvirt_rules(const Node& root, const ImportOptions& options, Edits& edits,
                         LibvirtReport& report) {
    Rewriter(edits, report).walk(root, "");
    if (const Node* devices = root.child("devices")) {
        rewrite_libvirt_devices(*devices, options, edits, report);
    }
}

} // namespace mshv::foreign
