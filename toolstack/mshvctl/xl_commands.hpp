// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace mshv::ctl {

/// What became of a command of xl, as of Xen 4.20's table.
struct XlCommand {
    enum class Fate {
        here,        ///< there is a verb of this name
        elsewhere,   ///< another verb does it
        absent,      ///< this release has nothing of the kind
        meaningless, ///< what it is about is Xen's alone
    };
    std::string_view name;
    Fate fate;
    /// Not `here`: one sentence, without the name or a full stop, that says what to use or why not.
    std::string_view answer;
};

/// Every command of xl, in the order of its manual.
std::span<const XlCommand> xl_commands();

/// The one of exactly this name that has no verb; null when there is none.
const XlCommand* find_xl_command(std::string_view name);

/// How `mshvctl help --xl` names it.
std::string_view fate_name(XlCommand::Fate fate);

} // namespace mshv::ctl
