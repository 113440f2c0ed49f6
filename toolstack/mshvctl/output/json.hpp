// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mshv::ctl {

/// Appends JSON to a string, for the documents that are this program's own: the envelope around the
/// daemon's values, the tree, the checks. Commas are kept track of, nesting is the caller's duty.
class JsonWriter {
public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    JsonWriter& begin_object() { return open('{'); }
    JsonWriter& end_object() { return close('}'); }
    JsonWriter& begin_array() { return open('['); }
    JsonWriter& end_array() { return close(']'); }
    JsonWriter& key(std::string_view name);
    JsonWriter& text(std::string_view value);
    JsonWriter& number(std::int64_t value);
    /// With three decimals; must be finite.
    JsonWriter& real(double value);
    JsonWriter& boolean(bool value);
    /// A value that is JSON already.
    JsonWriter& raw(std::string_view json);

    JsonWriter& field(std::string_view name, std::string_view value) {
        return key(name).text(value);
    }

private:
    JsonWriter& open(char bracket);
    JsonWriter& close(char bracket);
    void separate();

    std::string& out_;
    bool comma_ = false;
};

/// Appends `value` quoted; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view value);

} // namespace mshv::ctl
