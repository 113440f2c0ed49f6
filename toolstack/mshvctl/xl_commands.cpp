// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/xl_commands.hpp"

#include <algorithm>
#include <array>

namespace mshv::ctl {
namespace {

using enum XlCommand::Fate;

// Reasons that several share.
constexpr std::string_view no_passthrough =
    "devices of the host are not passed through in this release";
constexpr std::string_view no_tpm = "this release gives no TPM to a partition";
constexpr std::string_view no_usb = "USB devices are not passed through in this release";
constexpr std::string_view no_resctrl =
    "shares of cache and memory bandwidth are not set in this release; resctrl of Linux is there for "
    "the host's own processes";
constexpr std::string_view xen_keyboard =
    "Xen's own keyboard and pointer do not exist here; input devices belong to the definition";
constexpr std::string_view xen_display =
    "Xen's own display between partitions does not exist here";
constexpr std::string_view xen_sound = "Xen's own sound device does not exist here";
constexpr std::string_view no_xsm =
    "the hypervisor has no security modules; Linux has its own in the root partition";
constexpr std::string_view no_xenstore = "there is no xenstore, so it has no quota";

constexpr std::array table{
    XlCommand{"create", here, {}},
    XlCommand{"config-update", elsewhere,
              "use 'config edit', or 'apply' with the changed file; 'config diff' shows what a running "
              "partition has not got yet"},
    XlCommand{"list", here, {}},
    XlCommand{"destroy", here, {}},
    XlCommand{"shutdown", here, {}},
    XlCommand{"reboot", here, {}},
    XlCommand{"pci-attach", absent, no_passthrough},
    XlCommand{"pci-detach", absent, no_passthrough},
    XlCommand{"pci-list", absent, no_passthrough},
    XlCommand{"pci-assignable-add", absent, no_passthrough},
    XlCommand{"pci-assignable-remove", absent, no_passthrough},
    XlCommand{"pci-assignable-list", absent, no_passthrough},
    XlCommand{"pause", here, {}},
    XlCommand{"unpause", here, {}},
    XlCommand{"console", here, {}},
    XlCommand{"vncviewer", absent,
              "no viewer is started in this release; a partition with <graphics> has its VNC on the "
              "socket that the definition names, or vmm/vnc.sock in the folder of its run"},
    XlCommand{"save", here, {}},
    XlCommand{"restore", here, {}},
    XlCommand{"migrate", absent,
              "a running partition is not moved to another host in this release; 'shutdown', copy its "
              "disks, and 'define' it there with what 'dumpxml' prints"},
    XlCommand{"migrate-receive", absent,
              "a running partition is not moved to another host in this release"},
    XlCommand{"suspend", here, {}},
    XlCommand{"resume", here, {}},
    XlCommand{"dump-core", here, {}},
    XlCommand{"cd-insert", here, {}},
    XlCommand{"cd-eject", here, {}},
    XlCommand{"mem-max", here, {}},
    XlCommand{"mem-set", here, {}},
    XlCommand{"button-press", elsewhere, "use 'trigger', as xl's own manual says"},
    XlCommand{"vcpu-list", here, {}},
    XlCommand{"vcpu-pin", here, {}},
    XlCommand{"vcpu-set", here, {}},
    XlCommand{"vm-list", elsewhere, "use 'list -o uuid,id,name'"},
    XlCommand{"info", here, {}},
    XlCommand{"sharing", meaningless, "the hypervisor shares no pages between partitions"},
    XlCommand{"sched-credit", here, {}},
    XlCommand{"sched-credit2", here, {}},
    XlCommand{"sched-rtds", absent,
              "periods and budgets of single virtual processors are not set in this release; 'sched' caps a "
              "whole partition"},
    XlCommand{"domid", here, {}},
    XlCommand{"domname", here, {}},
    XlCommand{"rename", here, {}},
    XlCommand{"trigger", here, {}},
    XlCommand{"sysrq", absent,
              "no system request is sent to a guest in this release; 'trigger' has the NMI and the "
              "buttons"},
    XlCommand{"debug-keys", meaningless, "the hypervisor takes no keys from the root partition"},
    XlCommand{"set-parameters", meaningless,
              "the hypervisor is configured by its loader, not while it runs"},
    XlCommand{"dmesg", here, {}},
    XlCommand{"top", here, {}},
    XlCommand{"network-attach", here, {}},
    XlCommand{"network-list", here, {}},
    XlCommand{"network-detach", here, {}},
    XlCommand{"channel-list", absent, "use 'dumpxml', which names the channels"},
    XlCommand{"block-attach", here, {}},
    XlCommand{"block-list", here, {}},
    XlCommand{"block-detach", here, {}},
    XlCommand{"vtpm-attach", absent, no_tpm},
    XlCommand{"vtpm-list", absent, no_tpm},
    XlCommand{"vtpm-detach", absent, no_tpm},
    XlCommand{"vkb-attach", meaningless, xen_keyboard},
    XlCommand{"vkb-list", meaningless, xen_keyboard},
    XlCommand{"vkb-detach", meaningless, xen_keyboard},
    XlCommand{"vdispl-attach", meaningless, xen_display},
    XlCommand{"vdispl-list", meaningless, xen_display},
    XlCommand{"vdispl-detach", meaningless, xen_display},
    XlCommand{"vsnd-attach", meaningless, xen_sound},
    XlCommand{"vsnd-list", meaningless, xen_sound},
    XlCommand{"vsnd-detach", meaningless, xen_sound},
    XlCommand{"uptime", here, {}},
    XlCommand{"claims", here, {}},
    XlCommand{"cpupool-create", here, {}},
    XlCommand{"cpupool-list", here, {}},
    XlCommand{"cpupool-destroy", here, {}},
    XlCommand{"cpupool-rename", here, {}},
    XlCommand{"cpupool-cpu-add", here, {}},
    XlCommand{"cpupool-cpu-remove", here, {}},
    XlCommand{"cpupool-migrate", here, {}},
    XlCommand{"cpupool-numa-split", here, {}},
    XlCommand{"getenforce", meaningless, no_xsm},
    XlCommand{"setenforce", meaningless, no_xsm},
    XlCommand{"loadpolicy", meaningless, no_xsm},
    XlCommand{"remus", meaningless, "the VMMs here make no continuous checkpoints"},
    XlCommand{"devd", meaningless,
              "there are no driver domains: a partition's devices are in its VMM, in the root partition"},
    XlCommand{"psr-hwinfo", absent, no_resctrl},
    XlCommand{"psr-cmt-attach", absent, no_resctrl},
    XlCommand{"psr-cmt-detach", absent, no_resctrl},
    XlCommand{"psr-cmt-show", absent, no_resctrl},
    XlCommand{"psr-cat-set", absent, no_resctrl},
    XlCommand{"psr-cat-show", absent, no_resctrl},
    XlCommand{"psr-mba-set", absent, no_resctrl},
    XlCommand{"psr-mba-show", absent, no_resctrl},
    XlCommand{"usbctrl-attach", absent, no_usb},
    XlCommand{"usbctrl-detach", absent, no_usb},
    XlCommand{"usbdev-attach", absent, no_usb},
    XlCommand{"usbdev-detach", absent, no_usb},
    XlCommand{"usb-list", absent, no_usb},
    XlCommand{"qemu-monitor-command", absent,
              "a VMM's monitor is mshvd's alone: what it does behind mshvd's back would be undone or "
              "taken for a fault"},
    XlCommand{"dt-overlay", meaningless, "device tree overlays are of Xen on ARM"},
    XlCommand{"xenstore-quota-get", meaningless, no_xenstore},
    XlCommand{"xenstore-quota-set", meaningless, no_xenstore},
};
static_assert(table.size() == 97);

} // namespace

std::span<const XlCommand> xl_commands() {
    return table;
}

const XlCommand* find_xl_command(std::string_view name) {
    const auto* found = std::find_if(table.begin(), table.end(), [&](const XlCommand& command) {
        return command.name == name && command.fate != here;
    });
    return found == table.end() ? nullptr : found;
}

std::string_view fate_name(XlCommand::Fate fate) {
    switch (fate) {
    case here:
        return "here";
    case elsewhere:
        return "elsewhere";
    case absent:
        return "absent";
    case meaningless:
        return "meaningless";
    }
    return "";
}

} // namespace mshv::ctl
