// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mshv::vmm::qemu {

/// A JSON value that was read: from a VMM or a firmware descriptor, so read strictly. Asking a
/// value for what it is not gives "nothing", never an exception.
class JsonValue {
public:
    /// Empty for text that is not one JSON value in UTF-8, nests deeper than `deepest`, or has an
    /// object with the same member twice.
    static std::optional<JsonValue> parse(std::string_view text, std::size_t deepest = 32);

    [[nodiscard]] bool is_object() const { return type_ == Type::object; }
    [[nodiscard]] bool is_list() const { return type_ == Type::list; }
    /// The member of an object; null when there is none.
    [[nodiscard]] const JsonValue* find(std::string_view key) const;
    /// find() along a path of members.
    [[nodiscard]] const JsonValue* at(std::initializer_list<std::string_view> path) const;
    /// A list's elements; none for another value.
    [[nodiscard]] const std::vector<JsonValue>& items() const { return items_; }
    [[nodiscard]] std::optional<std::string> text() const;
    [[nodiscard]] std::optional<std::int64_t> number() const; ///< a whole number in 64 bits
    [[nodiscard]] std::optional<double> real() const;         ///< any number
    [[nodiscard]] std::optional<bool> boolean() const;

private:
    friend class JsonBuilder;
    enum class Type { null, boolean, number, fraction, text, list, object };
    Type type_ = Type::null;
    std::int64_t number_ = 0; ///< also the boolean
    double fraction_ = 0;
    std::string text_;
    std::vector<std::string> keys_; ///< of an object, in the order of items_
    std::vector<JsonValue> items_;
};

/// The text of a member, or "".
std::string text_at(const JsonValue& value, std::initializer_list<std::string_view> path);

} // namespace mshv::vmm::qemu
