// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/installation.hpp"

#include <filesystem>

namespace mshv::e2e {
namespace {

std::string guest(const char* file) {
    return std::filesystem::canonical(std::string(MSHV_E2E_GUEST) + "/current").string() + "/" +
           file;
}

} // namespace

std::string mshvctl_path() {
    return MSHV_E2E_BINDIR "/mshvctl";
}
std::string mshvd_path() {
    return MSHV_E2E_SBINDIR "/mshvd";
}
std::string keeper_path() {
    return MSHV_E2E_LIBEXECDIR "/mshv-keeper";
}
std::string kernel_image_path() {
    return MSHV_E2E_LIBEXECDIR "/mshv-kernel-image";
}
std::string fake_vmm_path() {
    return MSHV_E2E_FAKEVMM;
}
std::string cache_path() {
    return MSHV_E2E_CACHE;
}
std::string qemu_path() {
    return "/usr/bin/qemu-system-x86_64";
}

std::string guest_kernel() {
    return guest("vmlinuz");
}
std::string guest_initrd() {
    return guest("initrd.gz");
}
std::string guest_agent_initrd() {
    return guest("agent.gz");
}
std::string cd_guest_kernel() {
    return guest("vmlinuz-cd");
}
std::string cd_guest_initrd() {
    return guest("initrd-cd.gz");
}
std::string guest_disk(const std::string& format) {
    return guest(format == "raw" ? "disk.img" : "disk.qcow2");
}

std::string source_path(const std::string& relative) {
    return std::string(MSHV_E2E_SOURCE) + "/" + relative;
}

bool sanitized() {
    return MSHV_E2E_SANITIZED != 0;
}

} // namespace mshv::e2e
