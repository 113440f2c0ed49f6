// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/xl_keys.hpp"

#include "toolstack/libs/guestxml/suggest.hpp"
#include "toolstack/libs/guestxml/text.hpp"

#include <algorithm>
#include <array>

namespace mshv::foreign {
namespace {

constexpr std::string_view of_xen = "a setting of Xen's hypervisor; nothing corresponds to it here";
constexpr std::string_view of_arm = "it belongs to Arm; only x86_64 partitions are in this release";
constexpr std::string_view of_bootloader = "boot loaders on the host are not run";
constexpr std::string_view of_sedf = "a setting of Xen's real-time scheduler";
constexpr std::string_view of_stubdomain =
    "there are no domains for device models; mshvd confines every VMM by itself";
constexpr std::string_view of_pv_device = "this device exists between Xen's domains only";
constexpr std::string_view of_own_arguments =
    "arguments of one's own for the VMM are not in this release";
constexpr std::string_view of_spice = "SPICE displays are not in this release";
constexpr std::string_view of_usb = "passed-through USB devices are not in this release";
constexpr std::string_view of_ports =
    "access to the host's ports, memory and interrupts is not given to a guest";
constexpr std::string_view of_pci = "PCI devices of the host are bound by the administrator";
constexpr std::string_view of_shim = "there is no shim for paravirtual guests";
constexpr std::string_view of_window =
    "a display is a socket; the viewer is the administrator's own";
constexpr std::string_view of_security =
    "a label of Xen's security module; mshvd confines every VMM";
constexpr std::string_view of_timer = "timers are the accelerator's own";
constexpr std::string_view own_table = "tables of one's own are not in this release";

constexpr Fate ignored = Fate::ignored;
constexpr Fate lost = Fate::lost;

// Sorted by name; a test looks.
constexpr std::array table{
    XlKey{"acpi"},
    XlKey{"acpi_firmware", lost, own_table},
    XlKey{"acpi_laptop_slate", ignored, "the guest is no laptop", When::if_true},
    XlKey{"acpi_s3"},
    XlKey{"acpi_s4"},
    XlKey{"altp2m", ignored, of_xen},
    XlKey{"altp2m_count", ignored, of_xen},
    XlKey{"altp2mhvm", ignored, of_xen},
    XlKey{"apic", ignored, "the APIC is always there", When::if_false},
    XlKey{"arm_sci", lost, of_arm},
    XlKey{"bios"},
    XlKey{"bios_path_override"},
    XlKey{"boot"},
    XlKey{"bootloader"},
    XlKey{"bootloader_args", ignored, of_bootloader},
    XlKey{"bootloader_restrict", ignored, of_bootloader},
    XlKey{"bootloader_user", ignored, of_bootloader},
    XlKey{"builder"},
    XlKey{"cap"},
    XlKey{"channel"},
    XlKey{"cmdline"},
    XlKey{"cpu_weight"},
    XlKey{"cpuid", lost, "single bits of CPUID cannot be chosen in this release"},
    XlKey{"cpus"},
    XlKey{"cpus_soft", ignored, "there is no soft affinity"},
    XlKey{"device_model", ignored, "xl itself ignores it"},
    XlKey{"device_model_args", lost, of_own_arguments},
    XlKey{"device_model_args_hvm", lost, of_own_arguments},
    XlKey{"device_model_args_pv", lost, of_own_arguments},
    XlKey{"device_model_override"},
    XlKey{"device_model_stubdomain_override", ignored, of_stubdomain, When::if_true},
    XlKey{"device_model_stubdomain_seclabel", ignored, of_security},
    XlKey{"device_model_user", ignored, "every partition has a user of its own"},
    XlKey{"device_model_version"},
    XlKey{"device_tree", lost, of_arm},
    XlKey{"disk"},
    XlKey{"display", ignored, of_window},
    XlKey{"dm_restrict", ignored, "mshvd confines every VMM", When::if_false},
    XlKey{"driver_domain", lost, "there are no driver domains", When::if_true},
    XlKey{"dtdev", lost, of_arm},
    XlKey{"e820_host", ignored, of_xen, When::if_true},
    XlKey{"extra"},
    XlKey{"extratime", ignored, of_sedf},
    XlKey{"firmware"},
    XlKey{"firmware_override"},
    XlKey{"gfx_passthru", lost, "passed-through display adapters are not in this release",
          When::if_true},
    XlKey{"gic_version", lost, of_arm},
    XlKey{"hap", ignored, "nested paging is always used", When::if_false},
    XlKey{"hdtype"},
    XlKey{"hpet"},
    XlKey{"hvm_pirq", ignored, of_xen},
    XlKey{"init_seclabel", ignored, of_security},
    XlKey{"iomem", lost, of_ports},
    XlKey{"ioports", lost, of_ports},
    XlKey{"irqs", lost, of_ports},
    XlKey{"kernel"},
    XlKey{"keymap"},
    XlKey{"latency", ignored, of_sedf},
    XlKey{"llc_colors", lost, of_arm},
    XlKey{"localtime"},
    XlKey{"max_event_channels", ignored, of_xen},
    XlKey{"max_grant_frames", ignored, of_xen},
    XlKey{"max_grant_version", ignored, of_xen},
    XlKey{"max_maptrack_frames", ignored, of_xen},
    XlKey{"maxmem"},
    XlKey{"maxvcpus"},
    XlKey{"mca_caps", ignored, of_xen},
    XlKey{"memory"},
    XlKey{"mmio_hole", ignored, "the machine's address space is the VMM's"},
    XlKey{"ms_vm_genid"},
    XlKey{"msr_relaxed", ignored, of_xen, When::if_true},
    XlKey{"name"},
    XlKey{"nestedhvm"},
    XlKey{"nographic"},
    XlKey{"nomigrate"},
    XlKey{"nr_spis", lost, of_arm},
    XlKey{"nx"},
    XlKey{"on_crash"},
    XlKey{"on_poweroff"},
    XlKey{"on_reboot"},
    XlKey{"on_soft_reset", ignored, "a guest's kexec is its own affair"},
    XlKey{"on_watchdog"},
    XlKey{"oos", ignored, of_xen},
    XlKey{"opengl", lost, "a display on the host's screen is not in this release", When::if_true},
    XlKey{"p9"},
    XlKey{"pae", ignored, "PAE is always there", When::if_false},
    XlKey{"passthrough", ignored, "the IOMMU is used whenever a device is passed through"},
    XlKey{"pci"},
    XlKey{"pci_msitranslate", ignored, of_pci},
    XlKey{"pci_permissive", ignored, of_pci},
    XlKey{"pci_power_mgmt", ignored, of_pci},
    XlKey{"pci_seize", ignored, of_pci},
    XlKey{"period", ignored, of_sedf},
    XlKey{"pool"},
    XlKey{"pvcalls", lost, of_pv_device},
    XlKey{"pvshim", lost, of_shim, When::if_true},
    XlKey{"pvshim_cmdline", ignored, of_shim},
    XlKey{"pvshim_extra", ignored, of_shim},
    XlKey{"pvshim_path", ignored, of_shim},
    XlKey{"ramdisk"},
    XlKey{"rdm", ignored, of_pci},
    XlKey{"rdm_mem_boundary", ignored, of_pci},
    XlKey{"root"},
    XlKey{"rtc_timeoffset"},
    XlKey{"sdl", lost, "a display on the host's screen is not in this release", When::if_true},
    XlKey{"seclabel", ignored, of_security},
    XlKey{"serial"},
    XlKey{"shadow_memory", ignored, of_xen},
    XlKey{"slice", ignored, of_sedf},
    XlKey{"smbios"},
    XlKey{"smbios_firmware", lost, own_table},
    XlKey{"soundhw", ignored, "sound is not in this release"},
    XlKey{"spice", lost, of_spice, When::if_true},
    XlKey{"spice_clipboard_sharing", ignored, of_spice},
    XlKey{"spice_image_compression", ignored, of_spice},
    XlKey{"spice_streaming_video", ignored, of_spice},
    XlKey{"spiceagent_mouse", ignored, of_spice},
    XlKey{"spicedisable_ticketing", ignored, of_spice},
    XlKey{"spicehost", ignored, of_spice},
    XlKey{"spicepasswd", ignored, of_spice},
    XlKey{"spiceport", ignored, of_spice},
    XlKey{"spicetls_port", ignored, of_spice},
    XlKey{"spiceusbredirection", ignored, of_spice},
    XlKey{"spicevdagent", ignored, of_spice},
    XlKey{"stdvga"},
    XlKey{"stubdomain_cmdline", ignored, of_stubdomain},
    XlKey{"stubdomain_kernel", ignored, of_stubdomain},
    XlKey{"stubdomain_memory", ignored, of_stubdomain},
    XlKey{"stubdomain_ramdisk", ignored, of_stubdomain},
    XlKey{"sve", lost, of_arm},
    XlKey{"tee", lost, of_arm},
    XlKey{"timer_mode", ignored, of_timer},
    XlKey{"trap_unmapped_accesses", lost, of_arm},
    XlKey{"tsc_mode", ignored, of_timer},
    XlKey{"type"},
    XlKey{"usb"},
    XlKey{"usbctrl", lost, of_usb},
    XlKey{"usbdev", lost, of_usb},
    XlKey{"usbdevice"},
    XlKey{"usbversion", ignored, "USB controllers are added as devices need them"},
    XlKey{"uuid"},
    XlKey{"vcpus"},
    XlKey{"vdispl", lost, of_pv_device},
    XlKey{"vendor_device", ignored, of_xen},
    XlKey{"vfb"},
    XlKey{"vga"},
    XlKey{"videoram", ignored, "the adapter's memory is the VMM's"},
    XlKey{"vif"},
    XlKey{"vif2", lost, "xl itself has given it up"},
    XlKey{"viridian"},
    XlKey{"virtio", lost, "virtio devices of one's own are not in this release"},
    XlKey{"vkb", lost, of_pv_device},
    XlKey{"vkb_device", ignored, of_pv_device},
    XlKey{"vmtrace_buf_kb", ignored, of_xen},
    XlKey{"vnc"},
    XlKey{"vncdisplay"},
    XlKey{"vnclisten"},
    XlKey{"vncpasswd"},
    XlKey{"vncunused"},
    XlKey{"vncviewer", ignored, of_window, When::if_true},
    XlKey{"vnuma", lost, "guest NUMA nodes are not in this release"},
    XlKey{"vpmu", ignored, "the virtual PMU cannot be chosen in this release"},
    XlKey{"vpt_align", ignored, of_timer},
    XlKey{"vsnd", lost, of_pv_device},
    XlKey{"vtpm"},
    XlKey{"vuart", lost, of_arm},
    XlKey{"xauthority", ignored, of_window},
    XlKey{"xen_platform_pci", ignored, "there is no platform device of Xen's", When::if_true},
    XlKey{"xen_platform_pci_bar_uc", ignored, "there is no platform device of Xen's"},
    XlKey{"xend_suspend_evtchn_compat", ignored, of_xen},
    XlKey{"xenstore_feature_mask", ignored, of_xen},
    XlKey{"xenstore_quota", ignored, of_xen},
};

bool is_so_anyway(const XlValue& value, When when) {
    if (when == When::always) {
        return false;
    }
    const auto number = number_of(value);
    const bool nothing = value.kind != XlValue::Kind::list && value.text.empty();
    const bool on = number ? *number != 0 : !nothing && value.text != "none";
    return on != (when == When::if_true);
}

void unknown(XlContext& context, std::string_view key) {
    std::vector<std::string_view> names;
    names.reserve(table.size());
    for (const XlKey& known : table) {
        names.push_back(known.name);
    }
    std::string hint = guestxml::did_you_mean(key, names);
    context.loses(context.origin(key), "xl.cfg has no such key, and xl would ignore it",
                  "leaves it out" + std::string(hint.empty() ? "" : "; ") + hint);
}

} // namespace

std::span<const XlKey> xl_key_table() {
    return table;
}

const XlKey* find_xl_key(std::string_view name) {
    const auto* found = std::lower_bound(
        table.begin(), table.end(), name,
        [](const XlKey& key, std::string_view wanted) { return key.name < wanted; });
    return found != table.end() && found->name == name ? found : nullptr;
}

std::vector<std::string_view> xl_keys() {
    std::vector<std::string_view> names;
    names.reserve(table.size());
    for (const XlKey& key : table) {
        names.push_back(key.name);
    }
    return names;
}

void judge_keys(XlContext& context) {
    for (const std::string_view name : context.keys()) {
        const XlKey* key = find_xl_key(name);
        if (key == nullptr) {
            unknown(context, name);
        } else if (key->fate != Fate::mapped && !is_so_anyway(*context.value(name), key->when)) {
            if (key->fate == Fate::lost) {
                context.loses(context.origin(name), std::string(key->why), "leaves it out");
            } else {
                context.note(context.origin(name), std::string(key->why));
            }
        }
    }
}

} // namespace mshv::foreign
