// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/import/xl_context.hpp"

#include <map>
#include <string>
#include <string_view>

namespace mshv::foreign {

/// The three kinds of guest that xl knows. A paravirtual one that the administrator accepts as a
/// full machine is pvh from then on.
enum class XlType { hvm, pvh };

/// How disks are called now: "xvda" → "vda", for what names them elsewhere.
using DiskNames = std::map<std::string, std::string>;

// Each writes into the draft what its keys ask for.
XlType xl_type(XlContext& context);
void xl_general(XlContext& context);
void xl_processors(XlContext& context);
void xl_platform(XlContext& context);
void xl_boot(XlContext& context, XlType type, const DiskNames& disks);
DiskNames xl_disks(XlContext& context);
void xl_interfaces(XlContext& context);
void xl_display(XlContext& context, XlType type);
void xl_serial(XlContext& context, XlType type);
void xl_devices(XlContext& context);

/// "key=value" of a spec string: both trimmed; no '=' leaves `value` without data.
struct XlPair {
    std::string_view key, value;
    bool has_value = false;
};
XlPair pair_of(std::string_view part);

} // namespace mshv::foreign
