// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/firmware.hpp"

#include "daemon/vmm/qemu/json_value.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <filesystem>
#include <fnmatch.h>
#include <map>
#include <system_error>

namespace mshv::vmm::qemu {
namespace {

bool has_word(const JsonValue& list, std::string_view word) {
    return std::any_of(list.items().begin(), list.items().end(),
                       [&](const JsonValue& value) { return value.text() == word; });
}

bool list_has(const JsonValue& document, std::string_view member, std::string_view word) {
    const auto* list = document.find(member);
    return list != nullptr && has_word(*list, word);
}

std::vector<std::string> machines_of(const JsonValue& document) {
    std::vector<std::string> patterns;
    const auto* targets = document.find("targets");
    if (targets == nullptr) {
        return patterns;
    }
    for (const auto& target : targets->items()) {
        const auto* machines = target.find("machines");
        if (machines == nullptr || text_at(target, {"architecture"}) != "x86_64") {
            continue;
        }
        for (const auto& machine : machines->items()) {
            patterns.push_back(machine.text().value_or(""));
        }
    }
    return patterns;
}

bool suits(const FirmwareImage& image, api::Machine machine) {
    // The patterns are of versioned names.
    const char* name = machine == api::Machine::pc ? "pc-i440fx-7.2" : "pc-q35-7.2";
    return std::any_of(
        image.machines.begin(), image.machines.end(),
        [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), name, 0) == 0; });
}

/// Descriptor files in the order of their names; one in an earlier folder hides its namesakes, and
/// an empty one there removes them.
std::map<std::string, std::string> descriptors(const std::vector<std::string>& folders) {
    std::map<std::string, std::string> files;
    for (const auto& folder : folders) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
            if (entry.path().extension() == ".json") {
                files.emplace(entry.path().filename().string(), entry.path().string());
            }
        }
    }
    return files;
}

} // namespace

std::optional<FirmwareImage> parse_firmware(std::string_view json) {
    const auto parsed = JsonValue::parse(json);
    if (!parsed) {
        return std::nullopt;
    }
    const auto& document = *parsed;
    if (!list_has(document, "interface-types", "uefi") ||
        text_at(document, {"mapping", "device"}) != "flash") {
        return std::nullopt;
    }
    FirmwareImage image;
    image.code = text_at(document, {"mapping", "executable", "filename"});
    image.vars_template = text_at(document, {"mapping", "nvram-template", "filename"});
    const auto format =
        api::from_name<api::DiskFormat>(text_at(document, {"mapping", "executable", "format"}));
    if (image.code.empty() || !format) {
        return std::nullopt;
    }
    const std::string vars_format = text_at(document, {"mapping", "nvram-template", "format"});
    if (!vars_format.empty() && vars_format != api::to_name(*format)) {
        return std::nullopt;
    }
    image.format = *format;
    image.secure_boot = list_has(document, "features", "secure-boot");
    image.requires_smm = list_has(document, "features", "requires-smm");
    image.amd_sev = text_at(document, {"mapping", "mode"}) == "stateless" ||
                    list_has(document, "features", "amd-sev-es");
    image.machines = machines_of(document);
    return image;
}

std::optional<FirmwareImage> find_efi(const std::vector<std::string>& folders,
                                      api::Machine machine) {
    std::optional<FirmwareImage> second_choice;
    for (const auto& [name, path] : descriptors(folders)) {
        std::string text;
        try {
            text = posix::read_file(path, 1UL << 20U);
        } catch (const std::system_error&) {
            continue;
        }
        const auto image = parse_firmware(text);
        if (!image || !suits(*image, machine) || image->requires_smm) {
            continue;
        }
        if (!image->secure_boot && !image->amd_sev) {
            return image;
        }
        if (!second_choice) {
            second_choice = image;
        }
    }
    return second_choice;
}

} // namespace mshv::vmm::qemu
