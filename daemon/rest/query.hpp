// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::rest {

/// The query of a request, read strictly: each value is checked, and what no one has asked for is
/// an error. Throws api::Error{usage}.
class Query {
public:
    explicit Query(std::map<std::string, std::string> values) : values_(std::move(values)) {}

    std::optional<std::string> text(std::string_view key);
    bool flag(std::string_view key); ///< 1 or true, 0 or false; absent = false
    std::optional<std::uint64_t> number(std::string_view key, std::uint64_t least,
                                        std::uint64_t most);
    std::optional<std::chrono::milliseconds> span(std::string_view key);
    /// To be called when everything known has been asked for.
    void done() const;

private:
    std::map<std::string, std::string> values_; ///< not yet asked for
    std::vector<std::string> known_;
};

} // namespace mshv::rest
