// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mshv::vmm::qemu {

/// A JSON object being written, member by member: the only way in which text of a user reaches a
/// QEMU option. Throws api::Error{invalid} for text that is not UTF-8, which JSON cannot carry.
class JsonObject {
public:
    JsonObject& text(std::string_view key, std::string_view value);
    JsonObject& number(std::string_view key, std::uint64_t value);
    JsonObject& flag(std::string_view key, bool value);
    JsonObject& null(std::string_view key);
    JsonObject& object(std::string_view key, const JsonObject& value);
    /// Adds every member of `other`.
    JsonObject& merge(const JsonObject& other);
    [[nodiscard]] std::string str() const { return "{" + members_ + "}"; }

private:
    JsonObject& raw(std::string_view key, std::string_view json);
    std::string members_;
};

/// `text` with zeros behind it, as many as RapidJSON may read past the end of text that ends within a
/// UTF-8 sequence, before it refuses that.
std::string pad_utf8(std::string_view text);

/// `value` as a JSON string with its quotes.
std::string json_quote(std::string_view value);

/// A value inside a QemuOpts string (`-smbios`, `-vnc`): QEMU reads ",," as one comma, and nothing
/// else there is special once the key's `=` has been passed. Throws api::Error{invalid} for NUL.
std::string option_value(std::string_view value);

} // namespace mshv::vmm::qemu
