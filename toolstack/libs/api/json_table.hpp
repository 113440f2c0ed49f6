// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"
#include "toolstack/libs/api/identity.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// Internal to libs/api: what the reader and the writer know of a C++ type. A struct is described
// once, by its list of Fields; everything else follows from the member's type.

namespace mshv::api::json {

class Writer;

/// One scalar of a document.
struct Token {
    enum class Type { null, boolean, integer, fraction, text };
    Type type = Type::null;
    bool boolean = false;
    bool negative = false;       ///< of an integer
    std::uint64_t magnitude = 0; ///< of an integer
    std::string_view text{};
};

/// Why a scalar was refused; an empty message means that it was not.
struct Complaint {
    const char* code = "";
    std::string message;
    std::string hint;
};

struct Field;
struct Kind;

using Fields = std::span<const Field>;

/// The fields of struct T; specialised in the codec_*.cpp that describes it.
template <typename T>
Fields fields_of();

/// What may stand at a place in a document, and how it reaches memory.
struct Kind {
    enum class Shape : std::uint8_t { scalar, object, array, map };
    Shape shape = Shape::scalar;
    std::string_view wanted; ///< "a string", for messages
    /// The object proper behind a member: emplaces an optional.
    void* (*enter)(void* member) = nullptr;
    Complaint (*set)(void* object, const Token& token) = nullptr; // scalar
    Fields (*fields)() = nullptr;                                 // object
    void* (*append)(void* array) = nullptr;                       // array
    void* (*insert)(void* map, std::string_view key) = nullptr; // map; null = key is there already
    const Kind* element = nullptr;                              // array, map
    /// Every word of an enum, for the description of the contract.
    std::span<const std::string_view> (*words)() = nullptr;
    /// True when the member says nothing and is left out: an absent optional, an empty text or
    /// list.
    bool (*silent)(const void* member) = nullptr;
    void (*write)(const void* member, Writer& writer) = nullptr;
};

enum class Presence : std::uint8_t {
    normal,   ///< left out when silent; absent = the struct's default
    always,   ///< written even when empty, since the default is not
    required, ///< always written; its absence is a fault
};

struct Field {
    std::string_view name;
    const Kind* kind;
    void* (*at)(void* object);
    Presence presence;
};

// ---- writing -----------------------------------------------------------------------------------

void write_text(Writer& writer, std::string_view text);
void write_word(Writer& writer, std::string_view ascii); ///< nothing in it needs an escape
void write_signed(Writer& writer, std::int64_t value);
void write_unsigned(Writer& writer, std::uint64_t value);
void write_bool(Writer& writer, bool value);
void write_key(Writer& writer, std::string_view key);
void start_object(Writer& writer);
void end_object(Writer& writer);
void start_array(Writer& writer);
void end_array(Writer& writer);
void write_object(const void* object, Fields fields, Writer& writer);

// ---- scalars -----------------------------------------------------------------------------------

Complaint set_text(std::string& to, const Token& token);
Complaint set_bool(bool& to, const Token& token);
Complaint set_uuid(Uuid& to, const Token& token);
Complaint wrong_type(std::string_view wanted);
Complaint out_of_range(std::int64_t low, std::uint64_t high);
Complaint wrong_word(std::string_view word, std::span<const std::string_view> words);

template <std::integral T>
Complaint set_integer(T& to, const Token& token) {
    if (token.type != Token::Type::integer) {
        return wrong_type("a whole number");
    }
    constexpr auto high = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    // The magnitude of the lowest value is one more than that of the highest.
    const std::uint64_t limit = !token.negative ? high : std::is_signed_v<T> ? high + 1 : 0;
    if (token.magnitude > limit) {
        return out_of_range(std::numeric_limits<T>::min(), high);
    }
    to = static_cast<T>(token.negative ? 0 - token.magnitude : token.magnitude);
    return {};
}

template <typename E>
std::span<const std::string_view> words_of() {
    static constexpr auto words = [] {
        std::array<std::string_view, EnumNames<E>::names.size()> list{};
        for (std::size_t i = 0; i < list.size(); ++i) {
            list[i] = EnumNames<E>::names[i].second;
        }
        return list;
    }();
    return words;
}

template <typename E>
Complaint set_enum(E& to, const Token& token) {
    if (token.type != Token::Type::text) {
        return wrong_type("a word");
    }
    if (const auto value = from_name<E>(token.text)) {
        to = *value;
        return {};
    }
    return wrong_word(token.text, words_of<E>());
}

// ---- the Kind of each C++ type -----------------------------------------------------------------

template <typename T>
struct KindOf;

template <typename T>
inline constexpr Kind kind_of = KindOf<T>::make();

template <typename T>
const T& as(const void* object) {
    return *static_cast<const T*>(object);
}
template <typename T>
T& as(void* object) {
    return *static_cast<T*>(object);
}
inline void* itself(void* object) {
    return object;
}
inline bool never_silent(const void* /*member*/) {
    return false;
}

template <>
struct KindOf<std::string> {
    static constexpr Kind make() {
        Kind kind{.wanted = "a string", .enter = itself};
        kind.set = [](void* to, const Token& token) {
            return set_text(as<std::string>(to), token);
        };
        kind.silent = [](const void* from) { return as<std::string>(from).empty(); };
        kind.write = [](const void* from, Writer& out) { write_text(out, as<std::string>(from)); };
        return kind;
    }
};

template <>
struct KindOf<bool> {
    static constexpr Kind make() {
        Kind kind{.wanted = "true or false", .enter = itself, .silent = never_silent};
        kind.set = [](void* to, const Token& token) { return set_bool(as<bool>(to), token); };
        kind.write = [](const void* from, Writer& out) { write_bool(out, as<bool>(from)); };
        return kind;
    }
};

template <>
struct KindOf<Uuid> {
    static constexpr Kind make() {
        Kind kind{.wanted = "a UUID", .enter = itself, .silent = never_silent};
        kind.set = [](void* to, const Token& token) { return set_uuid(as<Uuid>(to), token); };
        kind.write = [](const void* from, Writer& out) {
            write_word(out, to_string(as<Uuid>(from)));
        };
        return kind;
    }
};

template <std::integral T>
struct KindOf<T> {
    static constexpr Kind make() {
        Kind kind{.wanted = "a whole number", .enter = itself, .silent = never_silent};
        kind.set = [](void* to, const Token& token) { return set_integer(as<T>(to), token); };
        kind.write = [](const void* from, Writer& out) {
            if constexpr (std::is_signed_v<T>) {
                write_signed(out, as<T>(from));
            } else {
                write_unsigned(out, as<T>(from));
            }
        };
        return kind;
    }
};

template <typename E>
requires std::is_enum_v<E>
struct KindOf<E> {
    static constexpr Kind make() {
        Kind kind{.wanted = "a word", .enter = itself, .silent = never_silent};
        kind.set = [](void* to, const Token& token) { return set_enum(as<E>(to), token); };
        kind.words = words_of<E>;
        kind.write = [](const void* from, Writer& out) { write_word(out, to_name(as<E>(from))); };
        return kind;
    }
};

template <typename T>
struct KindOf<std::optional<T>> {
    static constexpr Kind make() {
        using Optional = std::optional<T>;
        Kind kind = kind_of<T>;
        kind.enter = [](void* member) -> void* { return &as<Optional>(member).emplace(); };
        kind.silent = [](const void* member) { return !as<Optional>(member).has_value(); };
        kind.write = [](const void* member, Writer& out) {
            kind_of<T>.write(&*as<Optional>(member), out);
        };
        return kind;
    }
};

template <typename T>
struct KindOf<std::vector<T>> {
    static constexpr Kind make() {
        using Vector = std::vector<T>;
        Kind kind{.shape = Kind::Shape::array, .wanted = "an array", .enter = itself};
        kind.append = [](void* array) -> void* { return &as<Vector>(array).emplace_back(); };
        kind.element = &kind_of<T>;
        kind.silent = [](const void* member) { return as<Vector>(member).empty(); };
        kind.write = [](const void* member, Writer& out) {
            start_array(out);
            for (const auto& element : as<Vector>(member)) {
                kind_of<T>.write(&element, out);
            }
            end_array(out);
        };
        // A list that is given replaces the default one.
        kind.enter = [](void* member) -> void* {
            as<Vector>(member).clear();
            return member;
        };
        return kind;
    }
};

template <typename T>
struct KindOf<std::map<std::string, T>> {
    static constexpr Kind make() {
        using Map = std::map<std::string, T>;
        Kind kind{.shape = Kind::Shape::map, .wanted = "an object", .enter = itself};
        kind.insert = [](void* map, std::string_view key) -> void* {
            const auto [place, added] = as<Map>(map).try_emplace(std::string(key));
            return added ? &place->second : nullptr;
        };
        kind.element = &kind_of<T>;
        kind.silent = [](const void* member) { return as<Map>(member).empty(); };
        kind.write = [](const void* member, Writer& out) {
            start_object(out);
            for (const auto& [key, value] : as<Map>(member)) {
                write_key(out, key);
                kind_of<T>.write(&value, out);
            }
            end_object(out);
        };
        return kind;
    }
};

template <typename T>
requires std::is_class_v<T>
struct KindOf<T> {
    static constexpr Kind make() {
        Kind kind{.shape = Kind::Shape::object, .wanted = "an object", .enter = itself};
        kind.fields = fields_of<T>;
        kind.silent = never_silent;
        kind.write = [](const void* object, Writer& out) {
            write_object(object, fields_of<T>(), out);
        };
        return kind;
    }
};

template <typename T, typename M>
T class_of(M T::*);
template <typename T, typename M>
M member_of(M T::*);

/// The description of one member: field<&Memory::size>("size").
template <auto Member>
constexpr Field field(std::string_view name, Presence presence = Presence::normal) {
    using Class = decltype(class_of(Member));
    using Type = decltype(member_of(Member));
    return {name, &kind_of<Type>,
            [](void* object) -> void* { return &(as<Class>(object).*Member); }, presence};
}

} // namespace mshv::api::json
