// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/value.hpp"

#include "toolstack/libs/api/cpu_set.hpp"
#include "toolstack/libs/guestxml/hints.hpp"
#include "toolstack/libs/guestxml/suggest.hpp"
#include "toolstack/libs/guestxml/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace mshv::guestxml {
namespace {

using Verdict = std::optional<Refusal>;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_alnum(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::string comma_list(std::string_view list) {
    std::string out;
    for (const std::string_view word : words_in(list)) {
        out += (out.empty() ? "" : ", ") + std::string(word);
    }
    return out;
}

Verdict choice(const Row& row, std::string_view word, std::string_view words) {
    if (has_word(words, word)) {
        return std::nullopt;
    }
    if (listed(row.refused_words, word)) {
        return Refusal{"E-UNSUPPORTED", shown(word) + ": " + std::string(row.reason),
                       instead_hint(row)};
    }
    return Refusal{"E-ENUM", shown(word) + " is not one of " + comma_list(words),
                   did_you_mean(word, words_in(words))};
}

Verdict choices(const Row& row, std::string_view text) {
    const auto given = words_in(text);
    if (given.empty()) {
        return Refusal{"E-ENUM", "at least one of " + comma_list(row.words) + " must be named", ""};
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
        if (auto refusal = choice(row, given[i], row.words)) {
            return refusal;
        }
        if (std::find(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(i), given[i]) !=
            given.begin() + static_cast<std::ptrdiff_t>(i)) {
            return Refusal{"E-DUP", shown(given[i]) + " is named twice", ""};
        }
    }
    return std::nullopt;
}

std::string decimal_hint(const Row& row, std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0X")) {
        return "numbers are decimal";
    }
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string_view unit = trimmed(text.substr(digits));
    if (row.type == Type::size && digits > 0 && bytes_of_unit(unit)) {
        return "the unit is an attribute: unit='" + std::string(unit) + "'";
    }
    return {};
}

std::string size_text(std::uint64_t bytes) {
    static constexpr std::array<std::string_view, 5> units{"bytes", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; unit + 1 < units.size() && bytes >= 1024 && bytes % 1024 == 0; ++unit) {
        bytes /= 1024;
    }
    return std::to_string(bytes) + " " + std::string(units[unit]);
}

std::string range_text(const Row& row) {
    if (row.type == Type::size) {
        return size_text(row.low) + " to " + size_text(row.high);
    }
    const std::string unit = row.unit.empty() ? "" : " " + std::string(row.unit);
    return row.low == row.high ? "only " + std::to_string(row.low) + unit
                               : std::to_string(row.low) + " to " + std::to_string(row.high) + unit;
}

Verdict number(const Row& row, std::string_view text, std::uint64_t scale, Value& value) {
    const bool negative = text.starts_with('-') && all_digits(text.substr(1));
    if (!negative && !all_digits(text)) {
        return Refusal{"E-TYPE", shown(text) + " is not a whole number", decimal_hint(row, text)};
    }
    std::uint64_t parsed = 0;
    const bool fits = !negative &&
                      std::from_chars(text.begin(), text.end(), parsed).ec == std::errc{} &&
                      !__builtin_mul_overflow(parsed, scale, &parsed);
    if (!fits || parsed < row.low || parsed > row.high) {
        return Refusal{"E-RANGE", shown(text) + " is out of range: " + range_text(row), ""};
    }
    value.number = parsed;
    return std::nullopt;
}

Verdict unit(std::string_view text) {
    if (bytes_of_unit(text)) {
        return std::nullopt;
    }
    static const std::vector<std::string_view> units{"KiB", "MiB", "GiB", "TiB",  "KB",
                                                     "MB",  "GB",  "TB",  "bytes"};
    const std::string hint = did_you_mean(text, units);
    return Refusal{"E-UNIT",
                   shown(text) + " is not a unit: bytes, KiB, MiB, GiB, TiB, KB, MB, GB, TB", hint};
}

Verdict printable(const Row& row, std::string_view text) {
    const bool lines = row.type == Type::text;
    for (std::string_view rest = text; !rest.empty();) {
        const api::Utf8Char c = api::decode_utf8(rest);
        const bool layout = c.code == '\n' || c.code == '\t';
        if (c.length == 0 || (api::is_terminal_control(c.code) && !(layout && lines))) {
            return Refusal{"E-TYPE",
                           layout ? "the text must stand on one line, without tabs"
                                  : "the text holds what cannot be printed",
                           ""};
        }
        rest.remove_prefix(c.length);
    }
    if (text.size() > row.high) {
        return Refusal{"E-RANGE",
                       "the text has " + std::to_string(text.size()) + " bytes; at most " +
                           std::to_string(row.high) + " are kept",
                       ""};
    }
    return std::nullopt;
}

Verdict path(const Row& row, std::string_view text) {
    constexpr std::size_t longest = 4095; // PATH_MAX without its NUL
    if (!text.starts_with('/')) {
        return Refusal{"E-TYPE", shown(text) + " is not an absolute path",
                       "write it from the root directory on: /…"};
    }
    for (const std::string_view step : {"/../", "/./"}) {
        if ((std::string(text) + "/").find(step) != std::string::npos) {
            return Refusal{"E-TYPE",
                           shown(text) + " holds '" + std::string(step.substr(1, step.size() - 2)) +
                               "'",
                           "write the path without detours"};
        }
    }
    for (std::string_view rest = text; !rest.empty();) {
        const api::Utf8Char c = api::decode_utf8(rest);
        if (c.length == 0 || api::is_terminal_control(c.code)) {
            return Refusal{"E-TYPE", "the path " + shown(text) + " holds a control character", ""};
        }
        rest.remove_prefix(c.length);
    }
    const std::uint64_t most = std::min<std::uint64_t>(row.high, longest);
    if (text.size() > most) {
        return Refusal{"E-RANGE",
                       "the path has " + std::to_string(text.size()) + " bytes; at most " +
                           std::to_string(most) + " are possible",
                       ""};
    }
    return std::nullopt;
}

Verdict mac(std::string_view text) {
    constexpr std::size_t length = 17;
    bool shaped = text.size() == length;
    for (std::size_t i = 0; shaped && i < length; ++i) {
        shaped = i % 3 == 2 ? text[i] == ':' : is_hex(text[i]);
    }
    if (!shaped) {
        return Refusal{"E-TYPE", shown(text) + " is not a MAC address",
                       "six pairs of hexadecimal digits: 52:54:00:12:34:56"};
    }
    unsigned first = 0;
    std::from_chars(text.begin(), text.begin() + 2, first, 16);
    if ((first & 1) != 0) {
        return Refusal{"E-RANGE", shown(text) + " is a multicast address",
                       "the first pair must be even, as in 52:54:00:…"};
    }
    if (text == "00:00:00:00:00:00") {
        return Refusal{"E-RANGE", shown(text) + " is no device's address", "leave <mac> out"};
    }
    return std::nullopt;
}

Verdict token(const Row& row, std::string_view text) {
    const bool shaped =
        !text.empty() && is_alnum(text.front()) &&
        std::all_of(text.begin(), text.end(), [](char c) {
            return is_alnum(c) || std::string_view("._:+-").find(c) != std::string_view::npos;
        });
    if (!shaped) {
        return Refusal{"E-TYPE", shown(text) + " is not a word of letters, digits and . _ : + -",
                       ""};
    }
    if (text.size() > row.high) {
        return Refusal{"E-RANGE",
                       shown(text) + " has more than " + std::to_string(row.high) + " characters",
                       ""};
    }
    return std::nullopt;
}

Verdict cpus(std::string_view text) {
    if (!api::parse_cpu_set(text)) {
        return Refusal{"E-TYPE", shown(text) + " is no list of processors",
                       "numbers and ranges, with ^ to leave some out: 0-7,^2"};
    }
    return std::nullopt;
}

Verdict version(std::string_view text) {
    std::size_t parts = 1, digits = 0;
    for (const char c : text) {
        digits = is_digit(c) ? digits + 1 : 0;
        parts += c == '.' ? 1 : 0;
        if (!is_digit(c) && c != '.') {
            parts = 9;
        }
        if (digits > 4) {
            parts = 9;
        }
    }
    const bool shaped = !text.empty() && text.front() != '.' && text.back() != '.' &&
                        text.find("..") == std::string_view::npos && parts <= 3;
    return shaped ? Verdict{}
                  : Verdict{Refusal{"E-TYPE", shown(text) + " is not a version such as 10.2", ""}};
}

} // namespace

bool listed(std::string_view list, std::string_view word) {
    for (const std::string_view known : words_in(list)) {
        if (known == word ||
            (known.ends_with('*') && word.starts_with(known.substr(0, known.size() - 1)))) {
            return true;
        }
    }
    return false;
}

std::optional<std::uint64_t> bytes_of_unit(std::string_view unit) {
    std::string word(unit);
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (word == "b" || word == "byte" || word == "bytes") {
        return 1;
    }
    constexpr std::string_view prefixes = "kmgtpe";
    const std::size_t power = word.empty() ? std::string_view::npos : prefixes.find(word[0]);
    const std::string_view rest = std::string_view(word).substr(word.empty() ? 0 : 1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "ib" && rest != "b")) {
        return std::nullopt;
    }
    std::uint64_t bytes = 1;
    for (std::size_t i = 0; i <= power; ++i) {
        bytes *= rest == "b" ? 1000 : 1024;
    }
    return bytes;
}

Verdict judge(const Row& row, std::string_view raw, std::uint64_t scale, Value& value) {
    value.text = row.type == Type::text || row.type == Type::any ? raw : trimmed(raw);
    switch (row.type) {
    case Type::none:
    case Type::flag:
    case Type::any:
        return std::nullopt;
    case Type::text:
    case Type::line:
        return printable(row, value.text);
    case Type::name:
        if (const auto why = api::why_bad_name(value.text)) {
            return Refusal{"E-TYPE", shown(value.text) + ": " + *why, ""};
        }
        return std::nullopt;
    case Type::uuid:
        if (!api::parse_uuid(value.text)) {
            return Refusal{"E-TYPE", shown(value.text) + " is not a UUID",
                           "8-4-4-4-12 hexadecimal digits"};
        }
        return std::nullopt;
    case Type::choice:
        return choice(row, value.text, row.words);
    case Type::choices:
        return choices(row, value.text);
    case Type::yes_no:
        value.on = value.text == "yes";
        return choice(row, value.text, "yes no");
    case Type::on_off:
        value.on = value.text == "on";
        return choice(row, value.text, "on off");
    case Type::number:
        return number(row, value.text, 1, value);
    case Type::size:
        return number(row, value.text, scale, value);
    case Type::unit:
        return unit(value.text);
    case Type::path:
        return path(row, value.text);
    case Type::mac:
        return mac(value.text);
    case Type::token:
        return token(row, value.text);
    case Type::version:
        return version(value.text);
    case Type::cpus:
        return cpus(value.text);
    }
    return std::nullopt;
}

} // namespace mshv::guestxml
