// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::ctl {

/// What completes a value on the command line.
enum class ValueKind { text, number, duration, file, partition, choice };

/// An option as data: the parser, `--help`, completion and `__tree` read the same declaration.
struct Option {
    std::vector<std::string_view> names; ///< "-w", "--wait"
    std::string_view value;              ///< what the value is called in help; empty = a flag
    std::string_view help;
    ValueKind kind = ValueKind::text;
    std::vector<std::string_view> choices; ///< for ValueKind::choice
    bool repeatable = false;
    bool global = false;
    /// Takes one value ("" for a flag); throws api::Error{usage}.
    std::function<void(std::string_view)> store;
};

/// What stands without a dash.
struct Positional {
    std::string_view name;
    std::string_view help;
    ValueKind kind = ValueKind::text;
    std::size_t least = 1;
    std::size_t most = 1; ///< 0 = any number
    std::vector<std::string_view> choices;
    std::function<void(std::string_view)> store;
};

/// "30", "30s", "500ms", "2m", "1h": bare numbers are seconds. Throws api::Error{usage} that names
/// `what`.
std::chrono::milliseconds parse_duration(std::string_view text, std::string_view what);

/// "10G", "512MiB", "1048576": bytes. Throws api::Error{usage} that names `what`.
std::uint64_t parse_size(std::string_view text, std::string_view what);

/// A guest's memory, as xl's words for it: the same, but a bare number is MiB.
std::uint64_t parse_memory(std::string_view text, std::string_view what);

/// An unsigned decimal number of at most `most`; throws api::Error{usage} that names `what`.
std::uint64_t parse_number(std::string_view text, std::string_view what,
                           std::uint64_t most = UINT64_MAX);

/// Throws api::Error{usage} unless `text` is one of `choices`; suggests the nearest.
void require_choice(std::string_view text, std::span<const std::string_view> choices,
                    std::string_view what);

/// The candidate that `text` was probably meant to be; empty when none is near.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

/// A verb's options and positionals. References given to the methods must outlive parsing. Names
/// are string literals, long and short separated by a comma: "-w,--wait".
class Arguments {
public:
    void flag(std::string_view names, std::string_view help, bool& target);
    void text(std::string_view names, std::string_view value, std::string_view help,
              std::string& target, ValueKind kind = ValueKind::text);
    void text(std::string_view names, std::string_view value, std::string_view help,
              std::optional<std::string>& target, ValueKind kind = ValueKind::text);
    void texts(std::string_view names, std::string_view value, std::string_view help,
               std::vector<std::string>& target);
    void number(std::string_view names, std::string_view value, std::string_view help,
                std::optional<std::uint64_t>& target, std::uint64_t most = UINT64_MAX);
    void duration(std::string_view names, std::string_view value, std::string_view help,
                  std::optional<std::chrono::milliseconds>& target);
    void choice(std::string_view names, std::string_view value, std::string_view help,
                std::vector<std::string_view> choices, std::string& target);
    void custom(Option option) { options_.push_back(std::move(option)); }

    void positional(std::string_view name, std::string_view help, ValueKind kind,
                    std::string& target);
    /// One that may be left out.
    void positional(std::string_view name, std::string_view help, ValueKind kind,
                    std::optional<std::string>& target);
    void positionals(std::string_view name, std::string_view help, ValueKind kind,
                     std::vector<std::string>& target, std::size_t least = 1);
    void custom(Positional positional) { positionals_.push_back(std::move(positional)); }

    [[nodiscard]] const std::vector<Option>& options() const { return options_; }
    [[nodiscard]] const std::vector<Positional>& positionals() const { return positionals_; }
    /// Marks every option declared so far as global: they are accepted before the verb too.
    void mark_global();
    /// The same declaration without what the stores refer to: good for printing, not for parsing.
    [[nodiscard]] Arguments without_stores() const;

private:
    Option& add(std::string_view names, std::string_view value, std::string_view help,
                ValueKind kind);
    std::vector<Option> options_;
    std::vector<Positional> positionals_;
};

} // namespace mshv::ctl
