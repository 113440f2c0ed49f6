// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/config.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/nearest.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <sstream>
#include <system_error>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace mshv::app {
namespace {

constexpr std::int64_t highest_uid = std::numeric_limits<std::int32_t>::max();

constexpr ConfigKey folder(std::string_view name, std::string Config::*member,
                           std::string_view what) {
    return {.table = "paths", .name = name, .member = member, .what = what, .absolute = true};
}

constexpr ConfigKey program(std::string_view name, std::string Config::*member,
                            std::string_view what) {
    return {.table = "vmm", .name = name, .member = member, .what = what, .absolute = true};
}

constexpr std::array keys{
    folder("state_dir", &Config::state_dir, "database and firmware variables; survives a reboot"),
    folder("run_dir", &Config::run_dir, "sockets and running partitions; gone at a reboot"),
    folder("log_dir", &Config::log_dir, "console logs, a folder for each partition"),
    folder("cache_dir", &Config::cache_dir, "what can be made again: unpacked kernels, probes"),
    ConfigKey{.table = "api",
              .name = "socket",
              .member = &Config::socket,
              .what = "where mshvctl connects; empty = run_dir/mshvd.sock",
              .absolute = true},
    ConfigKey{.table = "api",
              .name = "admin_group",
              .member = &Config::admin_group,
              .what = "group (name or number) that may do everything; empty = root alone"},
    ConfigKey{.table = "api",
              .name = "reader_group",
              .member = &Config::reader_group,
              .what = "group that may look but not change; empty = nobody"},
    ConfigKey{.table = "api",
              .name = "connections",
              .member = &Config::connections,
              .what = "clients at one time; one more is told to come again",
              .least = 4,
              .most = 4096},
    ConfigKey{.table = "api",
              .name = "connections_per_uid",
              .member = &Config::connections_per_uid,
              .what = "of these, clients of one user; root is exempt",
              .least = 1,
              .most = 4096},
    program("qemu", &Config::qemu, "qemu-system-x86_64; empty = the first in the usual folders"),
    program("keeper", &Config::keeper, "mshv-keeper; empty = as installed"),
    program("kernel_image", &Config::kernel_image, "mshv-kernel-image; empty = as installed"),
    ConfigKey{.table = "vmm",
              .name = "uid_base",
              .member = &Config::uid_base,
              .what = "each partition's VMM runs as user uid_base + id % uid_count",
              .least = 1,
              .most = highest_uid},
    ConfigKey{.table = "vmm",
              .name = "uid_count",
              .member = &Config::uid_count,
              .what = "how many users from uid_base on belong to VMMs",
              .least = 1,
              .most = highest_uid},
    ConfigKey{.table = "vmm",
              .name = "kernel_cache_mib",
              .member = &Config::kernel_cache_mib,
              .what = "MiB of unpacked kernels that are kept",
              .least = 0,
              .most = 1'000'000},
    ConfigKey{.table = "store",
              .name = "keep_events",
              .member = &Config::keep_events,
              .what = "older events than so many are forgotten",
              .least = 1000,
              .most = 100'000'000},
    ConfigKey{.table = "store",
              .name = "keep_history",
              .member = &Config::keep_history,
              .what = "older ended runs than so many are forgotten",
              .least = 1000,
              .most = 100'000'000},
    ConfigKey{.table = "console",
              .name = "keep_ended",
              .member = &Config::keep_ended,
              .what = "partitions that are no more and whose console logs are kept",
              .least = 0,
              .most = 1'000'000},
    ConfigKey{.table = "memory",
              .name = "admission",
              .member = &Config::memory_admission,
              .what = "a start for which the host has no memory: refuse, warn in the log, or off",
              .words = "refuse|warn|off"},
    ConfigKey{.table = "memory",
              .name = "reserve_mib",
              .member = &Config::memory_reserve_mib,
              .what = "MiB of the host's available memory that partitions do not get",
              .least = 0,
              .most = 1'000'000'000},
    ConfigKey{.table = "daemon",
              .name = "autostart",
              .member = &Config::autostart,
              .what = "start partitions with autostart at the first start since boot"},
    ConfigKey{.table = "cgroup",
              .name = "parent",
              .member = &Config::cgroup_parent,
              .what = "folder of partitions' control groups; empty = of mshv-partitions.service",
              .absolute = true},
    ConfigKey{.table = "log",
              .name = "level",
              .member = &Config::log_level,
              .what = "the least that is logged: debug, info, warning or error",
              .words = "debug|info|warning|error"},
    ConfigKey{.table = "log",
              .name = "target",
              .member = &Config::log_target,
              .what = "journal, stderr, or auto: the journal where systemd started the daemon",
              .words = "auto|journal|stderr"},
    ConfigKey{.table = "log",
              .name = "audit",
              .member = &Config::audit,
              .what = "who asked for what, a line of JSON each, in log_dir/audit.log"},
};

std::string full_name(const ConfigKey& key) {
    return std::string(key.table) + "." + std::string(key.name);
}

/// Whether `value` is one of the words in "a|b|c".
bool among(std::string_view words, std::string_view value) {
    while (!words.empty()) {
        const auto bar = words.find('|');
        if (words.substr(0, bar) == value) {
            return true;
        }
        words = bar == std::string_view::npos ? std::string_view{} : words.substr(bar + 1);
    }
    return false;
}

std::string nearest_hint(std::string_view word, const std::vector<std::string>& known) {
    const std::string* best = nullptr;
    std::size_t least = 3; // further than two edits is no slip of the finger
    for (const auto& candidate : known) {
        const std::size_t distance = api::edit_distance(word, candidate);
        if (distance < least) {
            least = distance;
            best = &candidate;
        }
    }
    return best == nullptr ? "mshvd.toml(5) lists the keys" : "did you mean '" + *best + "'?";
}

/// Walks one document against the table and gathers every fault.
class Reader {
public:
    explicit Reader(std::string file) : file_(std::move(file)) {}

    Config read(const toml::table& document) {
        for (const auto& [name, node] : document) {
            const std::string table{name.str()};
            if (!is_table(table)) {
                std::vector<std::string> known;
                known.reserve(std::size(keys));
                for (const auto& key : keys) {
                    known.emplace_back(key.table);
                }
                fault(name.source(), table, "unknown table [" + table + "]",
                      nearest_hint(table, known));
            } else if (!node.is_table()) {
                fault(node.source(), table, "'" + table + "' is a table: write [" + table + "]",
                      {});
            } else {
                read_table(table, *node.as_table());
            }
        }
        if (!problems_.empty()) {
            std::sort(problems_.begin(), problems_.end(), [](const auto& a, const auto& b) {
                return std::pair(a.line, a.column) < std::pair(b.line, b.column);
            });
            throw api::Error(api::ErrorCode::invalid,
                             "the configuration " + file_ + " is not valid")
                .with_problems(std::move(problems_));
        }
        return config_;
    }

private:
    static bool is_table(std::string_view table) {
        return std::any_of(keys.begin(), keys.end(),
                           [&](const ConfigKey& key) { return key.table == table; });
    }

    void read_table(const std::string& table, const toml::table& content) {
        for (const auto& [name, node] : content) {
            const auto* key = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& entry) {
                return entry.table == table && entry.name == name.str();
            });
            const std::string where = table + "." + std::string(name.str());
            if (key != keys.end()) {
                read_value(*key, node, where);
                continue;
            }
            std::vector<std::string> known;
            for (const auto& entry : keys) {
                if (entry.table == table) {
                    known.emplace_back(entry.name);
                }
            }
            fault(name.source(), where,
                  "unknown key '" + std::string(name.str()) + "' in [" + table + "]",
                  nearest_hint(name.str(), known));
        }
    }

    void read_value(const ConfigKey& key, const toml::node& node, const std::string& where) {
        if (const auto* text = std::get_if<std::string Config::*>(&key.member)) {
            const auto value = node.value_exact<std::string>();
            if (!value) {
                fault(node.source(), where, "'" + where + "' wants a text in quotes", {});
            } else if (value->find('\0') != std::string::npos) {
                fault(node.source(), where, "'" + where + "' holds a NUL character", {});
            } else if (key.absolute && !value->empty() && value->front() != '/') {
                fault(node.source(), where, "'" + where + "' wants an absolute path", {});
            } else if (!key.words.empty() && !among(key.words, *value)) {
                std::string words{key.words};
                std::replace(words.begin(), words.end(), '|', ' ');
                fault(node.source(), where, "'" + *value + "' is not one of: " + words, {});
            } else {
                config_.*(*text) = *value;
            }
        } else if (const auto* number = std::get_if<std::int64_t Config::*>(&key.member)) {
            const auto value = node.value_exact<std::int64_t>();
            if (!value) {
                fault(node.source(), where, "'" + where + "' wants a whole number", {});
            } else if (*value < key.least || *value > key.most) {
                fault(node.source(), where,
                      "'" + where + "' must be from " + std::to_string(key.least) + " to " +
                          std::to_string(key.most),
                      {});
            } else {
                config_.*(*number) = *value;
            }
        } else {
            const auto value = node.value_exact<bool>();
            if (!value) {
                fault(node.source(), where, "'" + where + "' wants true or false", {});
            } else {
                config_.*(std::get<bool Config::*>(key.member)) = *value;
            }
        }
    }

    void fault(const toml::source_region& at, const std::string& where, std::string message,
               std::string hint) {
        api::Problem problem;
        problem.where = where;
        problem.message = std::move(message);
        problem.hint = std::move(hint);
        problem.file = file_;
        problem.line = at.begin.line;
        problem.column = at.begin.column;
        problems_.push_back(std::move(problem));
    }

    std::string file_;
    Config config_;
    std::vector<api::Problem> problems_;
};

[[noreturn]] void throw_syntax(const std::string& file, const toml::parse_error& error) {
    api::Problem problem;
    problem.message = std::string(error.description());
    problem.file = file;
    problem.line = error.source().begin.line;
    problem.column = error.source().begin.column;
    throw api::Error(api::ErrorCode::invalid, "the configuration " + file + " is not TOML")
        .with_problems({problem});
}

} // namespace

std::span<const ConfigKey> config_keys() {
    return keys;
}

Config parse_config(std::string_view text, const std::string& file) {
    try {
        Config config = Reader(file).read(toml::parse(text, file));
        check_config(config);
        return config;
    } catch (const toml::parse_error& error) {
        throw_syntax(file, error);
    }
}

Config read_config(const std::string& path) {
    constexpr std::size_t most = 64 * 1024;
    try {
        return parse_config(posix::read_file(path, most), path);
    } catch (const std::system_error& error) {
        const bool missing = error.code().value() == ENOENT;
        throw api::Error(missing ? api::ErrorCode::not_found : api::ErrorCode::failed,
                         "cannot read the configuration " + path)
            .because(error.code().message());
    }
}

void check_config(const Config& config) {
    for (const auto& key : keys) {
        const auto* text = std::get_if<std::string Config::*>(&key.member);
        if (key.table == "paths" && text != nullptr && (config.*(*text)).empty()) {
            throw api::Error(api::ErrorCode::invalid, full_name(key) + " may not be empty");
        }
    }
    // Paths in run_dir stand inside QEMU options and in socket addresses.
    if (config.run_dir.find_first_of(", \t\n") != std::string::npos) {
        throw api::Error(api::ErrorCode::invalid,
                         "paths.run_dir may hold no comma and no white space");
    }
    // <run_dir>/<uuid>/<incarnation>/keeper.sock must fit into sockaddr_un's 108 bytes.
    constexpr std::size_t longest_run_dir = 40;
    if (config.run_dir.size() > longest_run_dir) {
        throw api::Error(api::ErrorCode::invalid, "paths.run_dir is longer than 40 characters",
                         "the sockets below it would not fit into the kernel's 108 bytes");
    }
    if (config.uid_base + config.uid_count - 1 > highest_uid) {
        throw api::Error(api::ErrorCode::invalid, "vmm.uid_base + vmm.uid_count is too large");
    }
}

std::string print_config(const Config& config) {
    std::ostringstream out;
    std::string_view table;
    for (const auto& key : keys) {
        if (key.table != table) {
            out << (table.empty() ? "[" : "\n[") << key.table << "]\n";
            table = key.table;
        }
        out << "# " << key.what << '\n' << key.name << " = ";
        std::visit([&](auto member) { out << toml::value{config.*member} << '\n'; }, key.member);
    }
    return out.str();
}

} // namespace mshv::app
