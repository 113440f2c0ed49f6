// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::vmm::qemu {

/// What a firmware descriptor (QEMU's docs/interop/firmware.json) offers, as far as it is used
/// here.
struct FirmwareImage {
    std::string code;
    std::string vars_template;
    api::DiskFormat format = api::DiskFormat::raw;
    bool secure_boot = false, requires_smm = false, amd_sev = false;
    std::vector<std::string> machines; ///< patterns such as "pc-q35-*"
};

/// Empty when `json` is no descriptor, or not one of an x86-64 EFI in flash.
std::optional<FirmwareImage> parse_firmware(std::string_view json);

/// The first EFI of `folders` for `machine`: without secure boot where there is a choice, since
/// that needs SMM. Empty when there is none.
std::optional<FirmwareImage> find_efi(const std::vector<std::string>& folders,
                                      api::Machine machine);

} // namespace mshv::vmm::qemu
