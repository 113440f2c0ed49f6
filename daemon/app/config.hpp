// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace mshv::app {

/// What mshvd.toml says, with the defaults of mshvd.toml(5).
struct Config {
    std::string state_dir = "/var/lib/mshv";
    std::string run_dir = "/run/mshv";
    std::string log_dir = "/var/log/mshv";
    std::string cache_dir = "/var/cache/mshv";

    std::string socket; ///< empty = <run_dir>/mshvd.sock
    std::string admin_group = "mshv";
    std::string reader_group = "mshv-read";
    std::int64_t connections = 64;
    std::int64_t connections_per_uid = 48;

    std::string qemu;         ///< empty = searched for
    std::string keeper;       ///< empty = beside this program
    std::string kernel_image; ///< empty = beside this program
    std::int64_t uid_base = 2'000'000'000;
    std::int64_t uid_count = 65'536;
    std::int64_t kernel_cache_mib = 1024;

    std::int64_t keep_events = 100'000;
    std::int64_t keep_history = 100'000;

    std::int64_t keep_ended = 100;

    std::string memory_admission = "refuse";
    std::int64_t memory_reserve_mib = 256;

    bool autostart = true;

    std::string cgroup_parent; ///< empty = that of mshv-partitions.service

    std::string log_level = "info";
    std::string log_target = "auto";
    bool audit = true;
};

/// One key of the file: the table drives reader, --print-config, the sample file's check and the
/// manual's check.
struct ConfigKey {
    using Member = std::variant<std::string Config::*, std::int64_t Config::*, bool Config::*>;
    std::string_view table;
    std::string_view name;
    Member member;
    std::string_view what;            ///< one line
    std::int64_t least = 0, most = 0; ///< of a number
    std::string_view words = {};      ///< of a text: the only ones allowed, separated by '|'
    bool absolute = false; ///< of a text: an absolute path, or empty where the default is empty
};

std::span<const ConfigKey> config_keys();

/// Reads `path`. Throws api::Error{invalid} with a Problem for each fault, with file, line and
/// column: unknown tables and keys (with the nearest known name), wrong types, values out of range.
/// A missing file throws api::Error{not_found}.
Config read_config(const std::string& path);

/// The same for a text; `file` is what problems name.
Config parse_config(std::string_view text, const std::string& file);

/// Checks the values together; read_config has done it, flags may have changed something since.
void check_config(const Config& config);

/// The configuration as a file that read_config takes, each key under its comment.
std::string print_config(const Config& config);

} // namespace mshv::app
