// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mshv::foreign {

struct ImportOptions {
    std::string file_name; ///< for messages only: nothing is opened
    /// Keys of xl.cfg ("pci", "vif/rate", "disk[2]") or paths of a <domain> ("devices/hostdev")
    /// whose loss the administrator accepts; "all" accepts every loss.
    std::vector<std::string> accepted;
    bool compat_libvirt = false; ///< as in guestxml::ParseOptions; for <domain> alone
    /// libvirt's networks and the bridges that stand for them.
    std::vector<std::pair<std::string, std::string>> bridges;
    /// As in guestxml::ParseOptions, on the guest XML that the import makes.
    std::vector<std::pair<std::string, std::string>> overrides;
    std::size_t most_problems = 64; ///< more than these are counted, not listed
};

struct Imported {
    std::optional<api::PartitionSpec> spec; ///< present when no problem is an error
    std::vector<api::Problem> problems;     ///< errors and warnings in the order of their lines
};

/// Neither throws anything but std::bad_alloc. Safe on hostile bytes.
[[nodiscard]] Imported import_xl(std::string_view document, const ImportOptions& options = {});
[[nodiscard]] Imported import_libvirt(std::string_view document, const ImportOptions& options = {});

struct ExportOptions {
    std::string file_name;     ///< for messages only
    std::string_view document; ///< what the spec was read from, for places in it; may be empty
    std::string domain_type;   ///< hyperv, kvm or qemu; empty: the spec's own
};

struct Exported {
    std::string xml;                  ///< a libvirt <domain>
    std::vector<api::Problem> losses; ///< what libvirt does not do or knows otherwise: warnings
};

/// import_libvirt(to_libvirt(spec).xml) is `spec` again, unless `domain_type` says otherwise.
[[nodiscard]] Exported to_libvirt(const api::PartitionSpec& spec,
                                  const ExportOptions& options = {});

/// Every key of xl.cfg(5) that import_xl knows, for tests and help.
[[nodiscard]] std::vector<std::string_view> xl_keys();

/// xl's rate= of an interface, "10Mb/s", "250KB/s", "1MB/s@20ms", in kilobytes (1000 bytes) a
/// second, the unit of <bandwidth>; empty when it is none.
std::optional<std::uint64_t> xl_rate(std::string_view rate);

} // namespace mshv::foreign
