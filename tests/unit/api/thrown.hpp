// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"

#include <optional>
#include <string>

/// What a call throws.
namespace mshv::testing {

/// The code of the api::Error that `call` throws; empty when it throws none.
template <typename F>
std::optional<api::ErrorCode> code_of(F call) {
    try {
        call();
        return std::nullopt;
    } catch (const api::Error& error) {
        return error.code();
    }
}

/// Its message; empty when it throws none.
template <typename F>
std::string error_of(F call) {
    try {
        call();
        return {};
    } catch (const api::Error& error) {
        return error.message();
    }
}

} // namespace mshv::testing
