// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/document.hpp"
#include "toolstack/libs/import/edits.hpp"
#include "toolstack/libs/import/import.hpp"

#include <string>
#include <string_view>

namespace mshv::foreign {

/// A place of the <domain> as --accept and messages name it: "devices/disk[2]/target/@bus".
struct LibvirtSpot {
    const guestxml::Node* node = nullptr;
    const guestxml::Attribute* attribute = nullptr;
    std::string path;
};

/// Where the rules say what they change.
class LibvirtReport {
public:
    virtual ~LibvirtReport() = default;
    virtual void note(const LibvirtSpot& spot, std::string message, std::string hint) = 0;
    virtual void error(const LibvirtSpot& spot, std::string message, std::string hint) = 0;
    /// As XlContext::loses.
    virtual bool loses(const LibvirtSpot& spot, const std::string& message,
                       const std::string& instead) = 0;
};

/// Rewrites what a <domain> says in words that this release refuses and that have a near
/// equivalent.
void apply_libvirt_rules(const guestxml::Node& root, const ImportOptions& options, Edits& edits,
                         LibvirtReport& report);

/// Does the table of guest XML take this element, or this value of an attribute? `path` is without
/// indices.
bool table_takes(std::string_view path, std::string_view value = {});

} // namespace mshv::foreign
