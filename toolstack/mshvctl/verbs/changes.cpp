// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/changes.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/escape.hpp"

namespace mshv::ctl::verbs {
namespace {

/// A value that fits a line: a description or metadata may be of any length.
std::string shown(const std::string& value) {
    constexpr std::size_t most = 200;
    if (value.empty()) {
        return "-";
    }
    return api::escape_terminal(value.size() > most ? value.substr(0, most) + "..." : value);
}

} // namespace

void append_changes(std::string& out, std::span<const api::SpecChange> changes) {
    for (const auto& change : changes) {
        out += "    " + api::escape_terminal(change.path) + ": " + shown(change.before) + " -> " +
               shown(change.after) + " (" + std::string(api::to_name(change.takes)) + ")\n";
    }
}

void write_changes(JsonWriter& json, std::span<const api::SpecChange> changes) {
    json.key("changes").begin_array();
    for (const auto& change : changes) {
        json.raw(api::encode(change));
    }
    json.end_array();
}

} // namespace mshv::ctl::verbs
