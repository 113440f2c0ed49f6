// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <array>

namespace mshv::api {
namespace {

constexpr std::array table{
    ErrorInfo{ErrorCode::failed, "failed", 500, 1},
    ErrorInfo{ErrorCode::usage, "usage", 400, 2},
    ErrorInfo{ErrorCode::not_found, "not_found", 404, 3},
    ErrorInfo{ErrorCode::exists, "exists", 409, 4},
    ErrorInfo{ErrorCode::wrong_state, "wrong_state", 409, 5},
    ErrorInfo{ErrorCode::invalid, "invalid", 422, 6},
    ErrorInfo{ErrorCode::unsupported, "unsupported", 501, 7},
    ErrorInfo{ErrorCode::busy, "busy", 423, 8},
    ErrorInfo{ErrorCode::timeout, "timeout", 504, 9},
    ErrorInfo{ErrorCode::unreachable, "unreachable", 503, 10},
    ErrorInfo{ErrorCode::denied, "denied", 403, 11},
    ErrorInfo{ErrorCode::no_resource, "no_resource", 507, 12},
    ErrorInfo{ErrorCode::partial, "partial", 207, 13},
    ErrorInfo{ErrorCode::interrupted, "interrupted", 408, 14},
    ErrorInfo{ErrorCode::outcome_unknown, "outcome_unknown", 500, 1},
};

constexpr bool in_enum_order() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].code) != i) {
            return false;
        }
    }
    return true;
}
static_assert(in_enum_order());

} // namespace

std::span<const ErrorInfo> error_table() { return table; }

const ErrorInfo& error_info(ErrorCode code) { return table[static_cast<std::size_t>(code)]; }

std::optional<ErrorCode> error_code_of(std::string_view name) {
    const auto* row = std::find_if(table.begin(), table.end(),
                                   [&](const ErrorInfo& info) { return info.name == name; });
    return row == table.end() ? std::nullopt : std::optional(row->code);
}

} // namespace mshv::api
