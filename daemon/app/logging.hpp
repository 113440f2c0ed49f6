// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mshv::app {

enum class LogLevel { debug, info, warning, error };

/// One event, one line: whatever text comes from outside is escaped. Thread-safe.
class Log {
public:
    /// Beside the message; in the journal as fields of their own, on stderr as KEY=value behind it.
    /// Keys are upper case: PARTITION, REQUEST, ACTOR, ERROR.
    using Fields = std::vector<std::pair<std::string, std::string>>;

    /// `target` and `level` are the words of mshvd.toml.
    Log(const std::string& target, const std::string& level);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log();

    void write(LogLevel level, std::string_view message, const Fields& fields = {}) const;
    void debug(std::string_view message) const { write(LogLevel::debug, message); }
    void info(std::string_view message) const { write(LogLevel::info, message); }
    void warning(std::string_view message) const { write(LogLevel::warning, message); }
    void error(std::string_view message) const { write(LogLevel::error, message); }

private:
    struct Sinks;
    std::unique_ptr<Sinks> sinks_;
};

/// `text` as one printable line of at most 2,000 characters, cut ones marked.
std::string log_line(std::string_view text);

} // namespace mshv::app
