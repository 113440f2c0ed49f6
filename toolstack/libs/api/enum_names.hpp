// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace mshv::api {

/// The one table between an enum and its words, on the wire, in XML and in the database. A
/// specialisation has `static constexpr std::array<std::pair<E, std::string_view>, N> names`.
template <typename E>
struct EnumNames;

template <typename E>
constexpr std::string_view to_name(E value) {
    for (const auto& [enumerator, name] : EnumNames<E>::names) {
        if (enumerator == value) {
            return name;
        }
    }
    return "?";
}

/// The enumerator that `name` spells exactly; empty for any other text.
template <typename E>
constexpr std::optional<E> from_name(std::string_view name) {
    for (const auto& [enumerator, spelling] : EnumNames<E>::names) {
        if (spelling == name) {
            return enumerator;
        }
    }
    return std::nullopt;
}

} // namespace mshv::api

/// MSHV_ENUM_NAMES(Type, {Type::a, "a"}, …): must stand in namespace mshv::api.
#define MSHV_ENUM_NAMES(Type, ...)                                                                 \
    template <>                                                                                    \
    struct EnumNames<Type> {                                                                       \
        static constexpr auto names =                                                              \
            std::to_array<std::pair<Type, std::string_view>>({__VA_ARGS__});                       \
    }
