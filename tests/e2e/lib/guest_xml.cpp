// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/guest_xml.hpp"

#include "tests/e2e/lib/installation.hpp"

namespace mshv::e2e {
namespace {

std::string element(const std::string& name, const std::string& text) {
    return text.empty() ? "" : "  <" + name + ">" + text + "</" + name + ">\n";
}

std::string boot(const GuestXml& guest) {
    if (guest.firmware_boot) {
        return "  <os><type arch='x86_64' machine='q35'>hvm</type></os>\n";
    }
    // Emulated, on a busy host, a timer may come too late for the kernel's check that it comes at all.
    std::string cmdline = "no_timer_check console=" + guest.console;
    cmdline += guest.verbose_kernel ? "" : " quiet";
    cmdline += guest.steps.empty() ? "" : " mshv.test=" + guest.steps;
    cmdline += guest.append.empty() ? "" : " " + guest.append;
    std::string xml = "  <os>\n    <type arch='x86_64' machine='q35'>hvm</type>\n";
    xml += "  " + element("kernel", guest.kernel.empty() ? guest_kernel() : guest.kernel);
    xml += "  " + element("initrd", !guest.initrd.empty()   ? guest.initrd
                               : guest.kernel.empty() ? guest_initrd()
                                                      : "");
    return xml + "  " + element("cmdline", cmdline) + "  </os>\n";
}

std::string mshv_part(const GuestXml& guest) {
    std::string inside = guest.autostart;
    if (!guest.shutdown.empty()) {
        inside += "<shutdown " + guest.shutdown + "/>";
    }
    if (!guest.restart.empty()) {
        inside += "<restart " + guest.restart + "/>";
    }
    for (const auto& part : guest.mshv) {
        inside += part;
    }
    return inside.empty() ? "" : "  <mshv version='1'>" + inside + "</mshv>\n";
}

} // namespace

std::string GuestXml::text() const {
    std::string xml = "<partition type='" + type + "'>\n";
    xml += element("name", name) + element("uuid", uuid);
    xml += "  <memory unit='MiB'>" + std::to_string(memory_mib) + "</memory>\n";
    xml += vcpus_most == 0 ? element("vcpu", std::to_string(vcpus))
                           : "<vcpu current='" + std::to_string(vcpus) + "'>" +
                                 std::to_string(vcpus_most) + "</vcpu>\n";
    xml += boot(*this);
    xml += element("on_poweroff", on_poweroff) + element("on_reboot", on_reboot) +
           element("on_crash", on_crash);
    xml += "  <devices>\n    <console type='pty'><target type='";
    xml += console == "hvc0" ? "virtio" : "serial";
    xml += "' port='0'/></console>\n";
    for (const auto& device : devices) {
        xml += "    " + device + "\n";
    }
    xml += "  </devices>\n" + mshv_part(*this) + "</partition>\n";
    return xml;
}

std::string disk_xml(const std::string& path, const std::string& format,
                     const std::string& target) {
    return "<disk type='file' device='disk'><driver name='qemu' type='" + format +
           "'/><source file='" + path + "'/><target dev='" + target + "' bus='virtio'/></disk>";
}

} // namespace mshv::e2e
