// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/uuid/uuid.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mshv::api {

/// A partition's identity for ever.
using Uuid = boost::uuids::uuid;

/// Exactly the 36-character form, either case; anything else is empty.
std::optional<Uuid> parse_uuid(std::string_view text);
/// 36 lower-case characters.
std::string to_string(const Uuid& uuid);
Uuid random_uuid();

/// The short number that `list` shows: never reused in the life of a database, starts at 1. 0 is
/// the root partition and names no child.
using PartitionNumber = std::int64_t;

/// Nothing when `name` may name a partition; else the sentence why not. The pattern is
/// [A-Za-z0-9][A-Za-z0-9._+-]{0,63}, and not digits alone, since those select by number.
std::optional<std::string> why_bad_name(std::string_view name);

/// How a user names a partition: a number, a name, a UUID or a prefix of one (at least 4 hex
/// digits), or one of these forced by `id:`, `name:`, `uuid:`.
struct Selector {
    enum class Kind { any, number, name, uuid };
    Kind kind = Kind::any;
    std::string text;

    /// Throws Error{usage} for the empty selector and for 0 or `id:0`, the root partition.
    static Selector parse(std::string_view text);
    /// The text that parse() takes.
    [[nodiscard]] std::string to_string() const;
};

} // namespace mshv::api
