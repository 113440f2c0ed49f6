// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/fakevmm/script.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mshv::fakevmm {

/// CD drives and what is in them. No guest locks them.
class Drives {
public:
    explicit Drives(const std::vector<std::string>& devices) {
        for (const auto& device : devices) {
            if (member(device, "driver") == "ide-cd") {
                drives_[member(device, "id")].node = member(device, "drive");
            }
        }
    }

    /// Empty when `name` is no command for them, or QEMU would refuse it.
    std::optional<std::string> answer(const std::string& name, const std::string& given) {
        if (name == "query-block") {
            return list();
        }
        const auto found = drives_.find(member(given, "id"));
        if (found == drives_.end()) {
            return std::nullopt;
        }
        Drive& drive = found->second;
        if (name == "blockdev-open-tray" || name == "blockdev-close-tray") {
            drive.open = name == "blockdev-open-tray";
        } else if (name == "blockdev-remove-medium" && drive.open) {
            drive.node.clear();
        } else if (name == "blockdev-insert-medium" && drive.open && drive.node.empty()) {
            drive.node = member(given, "node-name");
        } else {
            return std::nullopt;
        }
        return "{}";
    }

private:
    struct Drive {
        std::string node;
        bool open = false;
    };

    [[nodiscard]] std::string list() const {
        std::string text;
        for (const auto& [id, drive] : drives_) {
            text += (text.empty() ? "" : ", ") +
                    (R"({"device": "", "locked": false, "qdev": ")" + id) +
                    R"(", "removable": true, "tray_open": )" + (drive.open ? "true" : "false");
            text +=
                drive.node.empty() ? "}" : R"(, "inserted": {"node-name": ")" + drive.node + "\"}}";
        }
        return "[" + text + "]";
    }

    std::map<std::string, Drive> drives_;
};

} // namespace mshv::fakevmm
