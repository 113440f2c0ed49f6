// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/validate.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mshv::domain {

/// Collects faults; each rule says what is wrong and where.
class Checker {
public:
    void fault(std::string code, const std::string& where, std::string message,
               std::string hint = {}) {
        api::Problem problem;
        problem.code = std::move(code);
        problem.where = "/spec/" + where;
        problem.message = std::move(message);
        problem.hint = std::move(hint);
        problems_.push_back(std::move(problem));
    }
    [[nodiscard]] std::vector<api::Problem> take() { return std::move(problems_); }

    template <typename T>
    void range(const std::string& where, T value, std::type_identity_t<T> low,
               std::type_identity_t<T> high) {
        if (value < low || value > high) {
            fault("E-RANGE", where,
                  std::to_string(value) + " is not between " + std::to_string(low) + " and " +
                      std::to_string(high));
        }
    }

    void at_most(const std::string& where, std::size_t count, std::size_t limit,
                 std::string_view what) {
        if (count > limit) {
            fault("E-COUNT", where,
                  std::to_string(count) + ' ' + std::string(what) + ", at most " +
                      std::to_string(limit) + " are possible");
        }
    }

    /// Text of one line for a person's eyes.
    void line(const std::string& where, std::string_view text, std::size_t limit) {
        if (text.size() > limit) {
            fault("E-LENGTH", where, "is longer than " + std::to_string(limit) + " bytes");
        }
        if (has_control(text)) {
            fault("E-CHARACTER", where, "holds a control character");
        }
    }

    /// Text of several lines.
    void text(const std::string& where, std::string_view text, std::size_t limit) {
        if (text.size() > limit) {
            fault("E-LENGTH", where, "is longer than " + std::to_string(limit) + " bytes");
        }
        if (text.find('\0') != std::string_view::npos) {
            fault("E-CHARACTER", where, "holds a NUL");
        }
    }

    /// An absolute path that means the same file in whatever working directory, log or line.
    void path(const std::string& where, std::string_view value) {
        if (value.empty() || value.front() != '/') {
            fault("E-PATH", where, "is not an absolute path", "begin it with /");
        } else if (value.size() > max_path) {
            fault("E-LENGTH", where, "is longer than " + std::to_string(max_path) + " bytes");
        } else if (has_control(value)) {
            fault("E-CHARACTER", where, "holds a control character");
        } else if (value.back() == '/') {
            fault("E-PATH", where, "names a folder, not a file");
        }
    }
    void optional_path(const std::string& where, std::string_view value) {
        if (!value.empty()) {
            path(where, value);
        }
    }

    /// One word: a letter or digit, then those and `extra`, at most `limit` bytes.
    void word(const std::string& where, std::string_view value, std::size_t limit,
              std::string_view extra) {
        if (!is_word(value, limit, extra)) {
            fault("E-NAME", where,
                  "is not a name: a letter or digit, then at most " + std::to_string(limit - 1) +
                      " of letters, digits and " + std::string(extra));
        }
    }
    void interface(const std::string& where, std::string_view value) {
        word(where, value, 15, "._-");
    }

    /// `value` must not have been given to the same `seen` before; empty values are skipped.
    void unique(std::set<std::string>& seen, const std::string& where, const std::string& value) {
        if (!value.empty() && !seen.insert(value).second) {
            fault("E-DUPLICATE", where, "'" + value + "' is used twice");
        }
    }

    static bool has_control(std::string_view text) {
        return std::any_of(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
        });
    }
    static bool is_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }
    static bool is_word(std::string_view value, std::size_t limit, std::string_view extra) {
        return !value.empty() && value.size() <= limit && is_alnum(value.front()) &&
               std::all_of(value.begin(), value.end(), [extra](char c) {
                   return is_alnum(c) || extra.find(c) != std::string_view::npos;
               });
    }

private:
    std::vector<api::Problem> problems_;
};

/// The rules of devices; validate() is the rest.
void validate_devices(const api::Devices& devices, Checker& check);

} // namespace mshv::domain
