// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/json_value.hpp"

#include "daemon/vmm/qemu/json.hpp"

#include <algorithm>
#include <limits>
#include <rapidjson/reader.h>

namespace mshv::vmm::qemu {
namespace {

/// No object of QEMU's has nearly as many; looking for duplicates takes the square of it.
constexpr std::size_t most_members = 512;

} // namespace

/// Receives RapidJSON's events. Its method names are RapidJSON's.
// NOLINTBEGIN(readability-identifier-naming): the same
class JsonBuilder {
public:
    explicit JsonBuilder(std::size_t deepest) : deepest_(deepest) {}

    bool Null() { return add({}) != nullptr; }
    bool Bool(bool value) { return add_number(JsonValue::Type::boolean, value ? 1 : 0); }
    bool Int(int value) { return add_number(JsonValue::Type::number, value); }
    bool Uint(unsigned value) { return add_number(JsonValue::Type::number, value); }
    bool Int64(std::int64_t value) { return add_number(JsonValue::Type::number, value); }
    bool Uint64(std::uint64_t value) {
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        return value <= most
                   ? add_number(JsonValue::Type::number, static_cast<std::int64_t>(value))
                   : add_number(JsonValue::Type::fraction, 0); // nobody here asks for such a one
    }
    bool Double(double number) {
        JsonValue value;
        value.type_ = JsonValue::Type::fraction;
        value.fraction_ = number;
        return add(std::move(value)) != nullptr;
    }
    bool RawNumber(const char* /*text*/, rapidjson::SizeType /*size*/, bool /*copy*/) {
        return false;
    }
    bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
        JsonValue value;
        value.type_ = JsonValue::Type::text;
        value.text_.assign(text, size);
        return add(std::move(value)) != nullptr;
    }
    bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
        auto& keys = open_.back()->keys_;
        const std::string_view key(text, size);
        if (keys.size() == most_members || std::find(keys.begin(), keys.end(), key) != keys.end()) {
            return false;
        }
        keys.emplace_back(key);
        return true;
    }
    bool StartObject() { return start(JsonValue::Type::object); }
    bool StartArray() { return start(JsonValue::Type::list); }
    bool EndObject(rapidjson::SizeType /*count*/) { return end(); }
    bool EndArray(rapidjson::SizeType /*count*/) { return end(); }

    JsonValue take() { return std::move(root_); }

private:
    JsonValue* add(JsonValue value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        // Only the last element of an open value can be open itself, so growing moves no open one.
        return &open_.back()->items_.emplace_back(std::move(value));
    }
    bool add_number(JsonValue::Type type, std::int64_t number) {
        JsonValue value;
        value.type_ = type;
        value.number_ = number;
        return add(std::move(value)) != nullptr;
    }
    bool start(JsonValue::Type type) {
        if (open_.size() == deepest_) {
            return false;
        }
        JsonValue value;
        value.type_ = type;
        open_.push_back(add(std::move(value)));
        return true;
    }
    bool end() {
        open_.pop_back();
        return true;
    }

    std::size_t deepest_;
    JsonValue root_;
    std::vector<JsonValue*> open_;
};
// NOLINTEND(readability-identifier-naming)

std::optional<JsonValue> JsonValue::parse(std::string_view text, std::size_t deepest) {
    if (text.find('\0') != std::string_view::npos) {
        return std::nullopt; // where RapidJSON would stop reading
    }
    // Iterative: the depth of foreign text must not become the depth of the stack.
    constexpr unsigned flags =
        rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    const std::string ended = pad_utf8(text);
    rapidjson::StringStream stream(ended.c_str());
    rapidjson::Reader reader;
    JsonBuilder builder(deepest);
    if (reader.Parse<flags>(stream, builder).IsError()) {
        return std::nullopt;
    }
    return builder.take();
}

const JsonValue* JsonValue::find(std::string_view key) const {
    const auto found = std::find(keys_.begin(), keys_.end(), key);
    return found == keys_.end() ? nullptr
                                : &items_[static_cast<std::size_t>(found - keys_.begin())];
}

const JsonValue* JsonValue::at(std::initializer_list<std::string_view> path) const {
    const JsonValue* value = this;
    for (const auto key : path) {
        value = value == nullptr ? nullptr : value->find(key);
    }
    return value;
}

std::optional<std::string> JsonValue::text() const {
    return type_ == Type::text ? std::optional(text_) : std::nullopt;
}

std::optional<std::int64_t> JsonValue::number() const {
    return type_ == Type::number ? std::optional(number_) : std::nullopt;
}

std::optional<double> JsonValue::real() const {
    if (type_ == Type::number) {
        return static_cast<double>(number_);
    }
    return type_ == Type::fraction ? std::optional(fraction_) : std::nullopt;
}

std::optional<bool> JsonValue::boolean() const {
    return type_ == Type::boolean ? std::optional(number_ != 0) : std::nullopt;
}

std::string text_at(const JsonValue& value, std::initializer_list<std::string_view> path) {
    const auto* found = value.at(path);
    return found == nullptr ? std::string() : found->text().value_or("");
}

} // namespace mshv::vmm::qemu
