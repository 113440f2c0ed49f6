// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace mshv::e2e {

/// A guest document. The fields are what tests vary; everything else is the smallest that boots.
struct GuestXml {
    std::string name;
    std::string steps = {};  ///< of tests/guest/init.cpp: what follows mshv.test=
    std::string append = {}; ///< more words for the kernel's command line
    std::string kernel = {}; ///< another than the test guest's, without its initrd
    std::string initrd = {}; ///< another than the test guest's
    std::string type = "tcg";
    unsigned memory_mib = 128;
    unsigned vcpus = 1;
    unsigned vcpus_most = 0;       ///< that it can have; 0 = as many as there are
    std::string console = "ttyS0"; ///< or hvc0
    bool verbose_kernel = false;   ///< the kernel's log on the console
    bool firmware_boot = false;    ///< no <kernel>: from the first disk
    std::string uuid = {};
    std::string on_poweroff = {}, on_reboot = {}, on_crash = {}; ///< empty = left out
    std::string restart = {};   ///< attributes of <restart>, e.g. policy='always' delay='1'
    std::string autostart = {}; ///< the whole element
    std::string shutdown = {};  ///< attributes of <shutdown>
    std::vector<std::string> devices = {}; ///< more elements below <devices>
    std::vector<std::string> mshv = {};    ///< more elements below <mshv>

    [[nodiscard]] std::string text() const;
    [[nodiscard]] GuestXml with_name(const std::string& other) const {
        GuestXml copy = *this;
        copy.name = other;
        return copy;
    }
};

/// A <disk> of bus virtio.
std::string disk_xml(const std::string& path, const std::string& format = "raw",
                     const std::string& target = "vda");

} // namespace mshv::e2e
