// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

// The element table. Every row is one element or attribute of a guest document; rows stand in
// document order, parents before children. Parser, hints, schema and manual are made from it.

namespace mshv::guestxml {

struct Build;
struct Value;

enum class Type {
    none,    ///< an element that only holds others
    flag,    ///< an element that says something by being there
    text,    ///< printable text, kept as it is; newlines and tabs allowed
    line,    ///< printable text on one line
    name,    ///< a partition's name
    uuid,    ///< the 36-character form
    choice,  ///< one of `words`
    choices, ///< some of `words`, in order, each once
    yes_no,
    on_off,
    number, ///< decimal, low..high
    size,   ///< decimal in the unit of the element's `unit`, low..high bytes
    unit,   ///< b, KiB, MB …
    path,   ///< absolute
    mac,
    token,   ///< [A-Za-z0-9][A-Za-z0-9._:+-]*, up to `high` characters
    version, ///< 10.2
    cpus,    ///< 0-3,7 or 0-7,^2
    any,     ///< foreign XML or text that is not looked at
};

enum class Card { optional, one, many };

enum class Support {
    honoured,
    no_effect, ///< accepted: says what is so anyway
    warned,    ///< accepted with a warning: `reason` says why it has no effect
    refused,   ///< known, but E-UNSUPPORTED: `reason` says why
    droppable, ///< refused, but --compat=libvirt drops it with a warning
};

using Setter = void (*)(Build&, const Value&);

struct Row {
    /// Below the root: "devices/disk/target/@bus". The last part may name several ("a|b"); "*" is
    /// every device.
    std::string_view path;
    Type type = Type::none;
    std::string_view doc;
    Card card = Card::optional;
    Support support = Support::honoured;
    std::string_view words;         ///< of a choice: accepted
    std::string_view refused_words; ///< known, but E-UNSUPPORTED
    std::string_view drop_words;    ///< as refused; --compat=libvirt drops the element with them
    std::string_view reason;        ///< why refused, or why it has no effect
    std::string_view instead;       ///< what to write instead; the hint
    std::string_view def;           ///< default, for the manual
    std::string_view unit;          ///< default unit of a size; the unit of a number in the manual
    std::uint64_t low = 0;
    std::uint64_t high = std::numeric_limits<std::int64_t>::max();
    bool repeats_itself = false; ///< may hold itself (backingStore)
    bool empty_allowed = false;  ///< an element's text may be absent
    Setter set = nullptr;

    /// The row with one member changed.
    template <typename T>
    [[nodiscard]] constexpr Row with(T Row::*member, T value) const {
        Row copy = *this;
        copy.*member = value;
        return copy;
    }

    // How rows are written: Row values with words added to them.
    [[nodiscard]] constexpr Row required() const { return with(&Row::card, Card::one); }
    [[nodiscard]] constexpr Row many() const { return with(&Row::card, Card::many); }
    [[nodiscard]] constexpr Row of(std::string_view list) const { return with(&Row::words, list); }
    [[nodiscard]] constexpr Row refuses(std::string_view list, std::string_view why,
                                        std::string_view hint = {}) const {
        return with(&Row::refused_words, list).with(&Row::reason, why).with(&Row::instead, hint);
    }
    [[nodiscard]] constexpr Row drops(std::string_view list) const {
        return with(&Row::drop_words, list);
    }
    [[nodiscard]] constexpr Row by_default(std::string_view text) const {
        return with(&Row::def, text);
    }
    [[nodiscard]] constexpr Row in(std::string_view text) const { return with(&Row::unit, text); }
    [[nodiscard]] constexpr Row from(std::uint64_t lowest, std::uint64_t highest) const {
        return with(&Row::low, lowest).with(&Row::high, highest);
    }
    [[nodiscard]] constexpr Row up_to(std::uint64_t highest) const { return from(0, highest); }
    [[nodiscard]] constexpr Row no_effect() const {
        return with(&Row::support, Support::no_effect);
    }
    [[nodiscard]] constexpr Row warned(std::string_view why) const {
        return with(&Row::support, Support::warned).with(&Row::reason, why);
    }
    [[nodiscard]] constexpr Row nests() const { return with(&Row::repeats_itself, true); }
    [[nodiscard]] constexpr Row or_empty() const { return with(&Row::empty_allowed, true); }
    [[nodiscard]] constexpr Row to(Setter setter) const { return with(&Row::set, setter); }

    [[nodiscard]] constexpr bool is_attribute() const { return last().starts_with('@'); }
    /// The name or names alone, without '@'.
    [[nodiscard]] constexpr std::string_view name() const {
        return is_attribute() ? last().substr(1) : last();
    }
    [[nodiscard]] constexpr bool accepted() const {
        return support != Support::refused && support != Support::droppable;
    }

private:
    [[nodiscard]] constexpr std::string_view last() const {
        const std::size_t slash = path.rfind('/');
        return slash == std::string_view::npos ? path : path.substr(slash + 1);
    }
};

constexpr Row row(std::string_view path, Type type, std::string_view doc) {
    Row made;
    made.path = path;
    made.type = type;
    made.doc = doc;
    return made;
}
constexpr Row refused(std::string_view path, std::string_view reason,
                      std::string_view instead = {}) {
    Row made;
    made.path = path;
    made.type = Type::any;
    made.support = Support::refused;
    made.card = Card::many;
    made.reason = reason;
    made.instead = instead;
    return made;
}
constexpr Row droppable(std::string_view path, std::string_view reason) {
    Row made = refused(path, reason);
    made.support = Support::droppable;
    return made;
}

/// The names of an enum as the word list of a choice.
template <typename E>
constexpr auto joined_names() {
    constexpr std::size_t length = [] {
        std::size_t sum = 0;
        for (const auto& [value, name] : api::EnumNames<E>::names) {
            sum += name.size() + 1;
        }
        return sum - 1;
    }();
    std::array<char, length> joined{};
    std::size_t at = 0;
    for (const auto& [value, name] : api::EnumNames<E>::names) {
        if (at > 0) {
            joined[at++] = ' ';
        }
        for (const char c : name) {
            joined[at++] = c;
        }
    }
    return joined;
}
template <typename E>
inline constexpr auto joined_names_of = joined_names<E>();
template <typename E>
constexpr std::string_view words_of() {
    return {joined_names_of<E>.data(), joined_names_of<E>.size()};
}

/// The parts of the table, in document order.
std::span<const Row> general_rows();
std::span<const Row> cpu_rows();
std::span<const Row> os_rows();
std::span<const Row> disk_rows();
std::span<const Row> interface_rows();
std::span<const Row> character_rows();
std::span<const Row> other_device_rows();
std::span<const Row> mshv_rows();

} // namespace mshv::guestxml
