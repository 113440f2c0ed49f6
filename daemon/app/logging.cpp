// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/logging.hpp"

#include "toolstack/libs/api/escape.hpp"

#include <cstdlib>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <string>
#include <sys/stat.h>
#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

namespace mshv::app {
namespace {

constexpr std::size_t longest_line = 2000;

/// Is standard error the journal's own stream? systemd says which device and inode that is.
bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) {
        return false;
    }
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

int priority_of(LogLevel level) {
    switch (level) {
    case LogLevel::debug:
        return 7;
    case LogLevel::info:
        return 6;
    case LogLevel::warning:
        return 4;
    case LogLevel::error:
        break;
    }
    return 3;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
    case LogLevel::debug:
        return spdlog::level::debug;
    case LogLevel::info:
        return spdlog::level::info;
    case LogLevel::warning:
        return spdlog::level::warn;
    case LogLevel::error:
        break;
    }
    return spdlog::level::err;
}

LogLevel level_named(const std::string& word) {
    return word == "debug"     ? LogLevel::debug
           : word == "warning" ? LogLevel::warning
           : word == "error"   ? LogLevel::error
                               : LogLevel::info;
}

} // namespace

std::string log_line(std::string_view text) {
    const bool cut = text.size() > longest_line;
    std::string line = api::escape_terminal(text.substr(0, longest_line));
    if (cut) {
        line += " […]";
    }
    return line;
}

struct Log::Sinks {
    LogLevel least = LogLevel::info;
    bool journal = false;
    std::shared_ptr<spdlog::logger> stderr_logger;
};

Log::Log(const std::string& target, const std::string& level) : sinks_(std::make_unique<Sinks>()) {
    sinks_->least = level_named(level);
    sinks_->journal = target == "journal" || (target == "auto" && stderr_is_journal());
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sinks_->stderr_logger = std::make_shared<spdlog::logger>("mshvd", std::move(sink));
    sinks_->stderr_logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l: %v");
    sinks_->stderr_logger->set_level(spdlog::level::debug);
    sinks_->stderr_logger->flush_on(spdlog::level::debug);
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view message, const Fields& fields) const {
    if (level < sinks_->least) {
        return;
    }
    if (sinks_->journal) {
        std::vector<std::string> entries{"MESSAGE=" + log_line(message),
                                         "PRIORITY=" + std::to_string(priority_of(level)),
                                         "SYSLOG_IDENTIFIER=mshvd"};
        for (const auto& [key, value] : fields) {
            entries.push_back(key + "=" + log_line(value));
        }
        std::vector<iovec> pieces;
        pieces.reserve(entries.size());
        for (auto& entry : entries) {
            pieces.push_back({entry.data(), entry.size()});
        }
        if (::sd_journal_sendv(pieces.data(), static_cast<int>(pieces.size())) == 0) {
            return;
        }
        // No journal after all: standard error takes it, so that nothing is lost.
    }
    std::string line = log_line(message);
    for (const auto& [key, value] : fields) {
        line += " " + key + "=" + log_line(value);
    }
    sinks_->stderr_logger->log(spdlog_level(level), line);
}

} // namespace mshv::app
