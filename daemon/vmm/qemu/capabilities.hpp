// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace mshv::vmm::qemu {

/// A dotted version; missing parts are 0.
struct Version {
    int major = 0, minor = 0, micro = 0;

    auto operator<=>(const Version&) const = default;
    /// Empty for text that is no version.
    static std::optional<Version> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;
};

/// What a QEMU binary says of itself, asked over QMP.
struct Capabilities {
    std::string program;
    Version version;
    std::set<std::string> accelerators; ///< "tcg", "kvm", "mshv"
    std::set<std::string> machines;     ///< names and aliases
    std::set<std::string> devices;      ///< what -device takes
    std::set<std::string> cpu_models;
    std::set<std::string> commands; ///< of QMP

    bool operator==(const Capabilities&) const = default;
    [[nodiscard]] bool has_device(const std::string& name) const { return devices.contains(name); }
};

/// Which file a binary is: another one at the same path has another key.
struct BinaryKey {
    std::string path;
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;

    bool operator==(const BinaryKey&) const = default;
    /// Throws std::system_error when there is no such file.
    static BinaryKey of(const std::string& path);
    [[nodiscard]] std::string to_string() const;
};

/// The cache file's text, and back; empty for a text that is damaged, of another format or about
/// another binary.
std::string to_cache_text(const BinaryKey& key, const Capabilities& capabilities);
std::optional<Capabilities> from_cache_text(const BinaryKey& key, std::string_view text);

} // namespace mshv::vmm::qemu
