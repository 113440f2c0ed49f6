// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <rapidjson/fwd.h>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::e2e {

/// A JSON value to look into. Asking for what is not there throws with the document in the text, so
/// that a test needs no checks of its own. Read by another reader than the programs' own.
class Json {
public:
    static Json parse(std::string_view text);

    Json operator[](std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const;
    [[nodiscard]] std::vector<Json> items() const;
    [[nodiscard]] std::size_t size() const { return items().size(); }
    [[nodiscard]] std::string text() const;
    /// The text of a member; empty when it is not there.
    [[nodiscard]] std::string get(std::string_view key) const {
        return has(key) ? (*this)[key].text() : std::string();
    }
    [[nodiscard]] std::int64_t number() const;
    [[nodiscard]] bool flag() const;
    /// The value as JSON text.
    [[nodiscard]] std::string dump() const;

private:
    Json(std::shared_ptr<rapidjson::Document> document, const rapidjson::Value* value)
        : document_(std::move(document)), value_(value) {}
    [[noreturn]] void fail(const std::string& what) const;

    std::shared_ptr<rapidjson::Document> document_; // shared by all values of one text
    const rapidjson::Value* value_ = nullptr;
};

} // namespace mshv::e2e
