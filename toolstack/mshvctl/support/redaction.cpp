// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/support/redaction.hpp"

namespace mshv::ctl {

api::PartitionSpec without_secrets(api::PartitionSpec spec) {
    const auto hide = [](std::string& text) {
        if (!text.empty()) {
            text = redacted;
        }
    };
    hide(spec.title);
    hide(spec.description);
    spec.metadata.clear();
    hide(spec.boot.cmdline);
    for (auto& entry : spec.smbios) {
        hide(entry.value);
    }
    return spec;
}

} // namespace mshv::ctl
