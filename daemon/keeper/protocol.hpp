// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the daemon and a keeper say to each other, and what a keeper leaves on disk: lines of
/// `WORD TAB key=value TAB key=value … LF`. protocol.md says what each word means. The header is
/// all there is of it, so that both sides have the same encoder and decoder.
namespace mshv::keeper {

inline constexpr int protocol_version = 1;
/// A line may carry a whole QMP reply (at most 1 MiB), escaped, and some fields.
inline constexpr std::size_t longest_line = 3 * 1024 * 1024 + 16 * 1024;
inline constexpr std::size_t most_fields = 64;
/// Descriptors that a keeper finds open when it starts; all others are named in the launch spec.
inline constexpr int spec_fd = 3;
inline constexpr int listen_fd = 4;
inline constexpr int first_free_fd = 5;
/// Files in the run folder.
inline constexpr const char* socket_file = "keeper.sock";
inline constexpr const char* state_file = "state";
inline constexpr const char* events_file = "events";
inline constexpr const char* exit_file = "exit";
inline constexpr const char* vmm_log_file = "vmm.log";
inline constexpr const char* console_stem = "con"; ///< FIFOs con.in and con.out

/// A line or spec that is not of this protocol.
class ProtocolError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One line. Field order is kept; a key may stand once only.
struct Message {
    std::string word;
    std::vector<std::pair<std::string, std::string>> fields;

    Message() = default;
    explicit Message(std::string_view name) : word(name) {}

    Message& set(std::string_view key, std::string_view value) {
        fields.emplace_back(key, value);
        return *this;
    }
    Message& set(std::string_view key, std::int64_t value) {
        return set(key, std::string_view(std::to_string(value)));
    }

    [[nodiscard]] const std::string* find(std::string_view key) const {
        for (const auto& [name, value] : fields) {
            if (name == key) {
                return &value;
            }
        }
        return nullptr;
    }
    /// Empty when there is no such field.
    [[nodiscard]] std::string text(std::string_view key) const {
        const auto* value = find(key);
        return value == nullptr ? std::string() : *value;
    }
    /// Throws ProtocolError when the field stands there but is no number.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view key) const {
        const auto* value = find(key);
        if (value == nullptr) {
            return std::nullopt;
        }
        std::int64_t result = 0;
        const auto* end = value->data() + value->size();
        const auto [stop, error] = std::from_chars(value->data(), end, result);
        if (error != std::errc{} || stop != end) {
            throw ProtocolError("field " + std::string(key) + " is not a number");
        }
        return result;
    }
    [[nodiscard]] bool flag(std::string_view key) const { return number(key).value_or(0) != 0; }
};

namespace detail {

inline void escape(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || c == '%') {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 0xfU];
        } else {
            out += c;
        }
    }
}

inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

inline std::string unescape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) {
            throw ProtocolError("control character in a field");
        }
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            throw ProtocolError("malformed % escape");
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

inline bool is_word(std::string_view text) {
    for (const char c : text) {
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) {
            return false;
        }
    }
    return !text.empty() && text.size() <= 64;
}

} // namespace detail

/// With the LF at its end.
inline std::string encode(const Message& message) {
    std::string line = message.word;
    for (const auto& [key, value] : message.fields) {
        line += '\t';
        line += key;
        line += '=';
        detail::escape(line, value);
    }
    line += '\n';
    return line;
}

/// `line` without its LF. Throws ProtocolError.
inline Message decode(std::string_view line) {
    if (line.size() > longest_line) {
        throw ProtocolError("line too long");
    }
    auto tab = line.find('\t');
    Message message(line.substr(0, tab));
    if (!detail::is_word(message.word)) {
        throw ProtocolError("malformed word");
    }
    while (tab != std::string_view::npos) {
        line.remove_prefix(tab + 1);
        tab = line.find('\t');
        const auto field = line.substr(0, tab);
        const auto equals = field.find('=');
        if (equals == std::string_view::npos || !detail::is_word(field.substr(0, equals))) {
            throw ProtocolError("malformed field");
        }
        const auto key = field.substr(0, equals);
        if (message.find(key) != nullptr || message.fields.size() == most_fields) {
            throw ProtocolError("field twice or too many fields");
        }
        message.set(key, std::string_view(detail::unescape(field.substr(equals + 1))));
    }
    return message;
}

/// Cuts a byte stream into lines. Holds at most one line more than was asked out of it.
class LineBuffer {
public:
    explicit LineBuffer(std::size_t limit = longest_line) : limit_(limit) {}

    void append(std::string_view bytes) { pending_ += bytes; }
    /// The next whole line without its LF. Throws ProtocolError when an unfinished one is longer
    /// than the limit.
    std::optional<std::string> next() {
        const auto end = pending_.find('\n', searched_);
        if (end == std::string::npos) {
            searched_ = pending_.size();
            if (searched_ - start_ > limit_) {
                throw ProtocolError("line too long");
            }
            pending_.erase(0, start_);
            searched_ -= start_;
            start_ = 0;
            return std::nullopt;
        }
        if (end - start_ > limit_) {
            throw ProtocolError("line too long");
        }
        std::string line = pending_.substr(start_, end - start_);
        start_ = searched_ = end + 1;
        return line;
    }
    [[nodiscard]] std::size_t pending() const { return pending_.size() - start_; }

private:
    std::size_t limit_;
    std::string pending_;
    std::size_t start_ = 0;
    std::size_t searched_ = 0;
};

// ---- the launch spec -----------------------------------------------------------------------

struct FdMap {
    int source = -1; ///< in the keeper, from first_free_fd up
    int target = -1; ///< in the VMM
};

struct Limit {
    std::string name;       ///< core, nofile, memlock, nproc
    std::int64_t value = 0; ///< soft and hard; -1 = unlimited
};

struct User {
    std::int64_t uid = 0, gid = 0;
    std::vector<std::int64_t> groups;
};

/// Values are the words of api::OnEnd and api::RestartPolicyKind.
struct Policy {
    std::string on_poweroff = "destroy";
    std::string on_reboot = "restart";
    std::string on_crash = "destroy";
    std::string restart = "never";
    std::int64_t delay_ms = 2000;
    std::int64_t max_delay_ms = 60000;
    std::int64_t limit = 5;
    std::int64_t window_ms = 600000;
    std::int64_t exit_port = 0; ///< 1: the VMM's odd exit status is how the guest ended itself
};

struct ConsoleConfig {
    std::int64_t ring = 262'144;          ///< bytes: 256 KiB
    std::int64_t log_size = 10'485'760;   ///< bytes: 10 MiB
    std::int64_t log_keep = 3;
};

inline constexpr std::size_t most_setup_commands = 128;

struct LaunchSpec {
    std::string name, uuid, run_dir, log_dir, nonce;
    std::string program;
    std::vector<std::string> argv, env;
    /// Behind argv for the first VMM alone: what it shall take its state from.
    std::vector<std::string> first_argv;
    std::vector<FdMap> fds;  ///< everything the VMM gets above 2, the monitor's socket included
    int monitor_source = -1; ///< which of the sources is the listening monitor socket
    std::optional<User> user;
    std::vector<Limit> limits;
    Policy policy;
    std::optional<ConsoleConfig> console;
    std::int64_t liveness_ms = 5000; ///< unanswered for so long = unresponsive; 0 = never asked
    std::int64_t quit_ms = 5000;     ///< given to the VMM to close its disks before SIGKILL
    /// Monitor commands without "id" that each VMM must do before its VPs may run.
    std::vector<std::string> setup;
    std::string affinity; ///< where the VMM's threads may run (affinity.hpp); empty = as the keeper
};

inline void put_policy(Message& message, const Policy& policy) {
    message.set("on_poweroff", policy.on_poweroff)
        .set("on_reboot", policy.on_reboot)
        .set("on_crash", policy.on_crash)
        .set("restart", policy.restart)
        .set("delay_ms", policy.delay_ms)
        .set("max_delay_ms", policy.max_delay_ms)
        .set("limit", policy.limit)
        .set("window_ms", policy.window_ms)
        .set("exit_port", policy.exit_port);
}

/// Throws ProtocolError for a word that is none of the policy's.
inline Policy get_policy(const Message& message) {
    const auto one_of = [&](std::string_view key, auto... words) {
        std::string value = message.text(key);
        if (((value != words) && ...)) {
            throw ProtocolError("field " + std::string(key) + ": unknown value");
        }
        return value;
    };
    const auto count = [&](std::string_view key) {
        const auto value = message.number(key);
        if (!value || *value < 0 || *value > (std::int64_t{1} << 40)) {
            throw ProtocolError("field " + std::string(key) + " is missing or out of range");
        }
        return *value;
    };
    Policy policy;
    policy.on_poweroff = one_of("on_poweroff", "destroy", "restart", "preserve");
    policy.on_reboot = one_of("on_reboot", "destroy", "restart", "preserve");
    policy.on_crash = one_of("on_crash", "destroy", "restart", "preserve");
    policy.restart = one_of("restart", "never", "on-failure", "always");
    policy.delay_ms = count("delay_ms");
    policy.max_delay_ms = count("max_delay_ms");
    policy.limit = count("limit");
    policy.window_ms = count("window_ms");
    policy.exit_port = message.number("exit_port").value_or(0); // of a daemon that knows it
    return policy;
}

/// What the sealed memfd holds.
inline std::string encode_spec(const LaunchSpec& spec) {
    Message keeper("keeper");
    keeper.set("name", spec.name)
        .set("uuid", spec.uuid)
        .set("run_dir", spec.run_dir)
        .set("log_dir", spec.log_dir)
        .set("nonce", spec.nonce)
        .set("program", spec.program)
        .set("affinity", spec.affinity)
        .set("monitor_source", spec.monitor_source)
        .set("liveness_ms", spec.liveness_ms)
        .set("quit_ms", spec.quit_ms);
    std::string text = encode(keeper);
    for (const auto& value : spec.argv) {
        text += encode(Message("arg").set("value", value));
    }
    for (const auto& value : spec.first_argv) {
        text += encode(Message("first-arg").set("value", value));
    }
    for (const auto& value : spec.env) {
        text += encode(Message("env").set("value", value));
    }
    for (const auto& command : spec.setup) {
        text += encode(Message("setup").set("command", command));
    }
    for (const auto& fd : spec.fds) {
        text += encode(Message("fd").set("source", fd.source).set("target", fd.target));
    }
    for (const auto& limit : spec.limits) {
        text += encode(Message("limit").set("name", limit.name).set("value", limit.value));
    }
    if (spec.user) {
        text += encode(Message("user").set("uid", spec.user->uid).set("gid", spec.user->gid));
        for (const auto group : spec.user->groups) {
            text += encode(Message("group").set("gid", group));
        }
    }
    Message policy("policy");
    put_policy(policy, spec.policy);
    text += encode(policy);
    if (spec.console) {
        text += encode(Message("console")
                           .set("ring", spec.console->ring)
                           .set("log_size", spec.console->log_size)
                           .set("log_keep", spec.console->log_keep));
    }
    return text + "end\n";
}

namespace detail {

inline std::int64_t need(const Message& message, std::string_view key, std::int64_t least,
                         std::int64_t most) {
    const auto value = message.number(key);
    if (!value || *value < least || *value > most) {
        throw ProtocolError("launch spec: " + message.word + " " + std::string(key));
    }
    return *value;
}

inline void take_spec_line(LaunchSpec& spec, const Message& line) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    const auto fd = [&](std::string_view key, int least) {
        return static_cast<int>(need(line, key, least, 1 << 20));
    };
    if (line.word == "keeper") {
        spec.name = line.text("name");
        spec.uuid = line.text("uuid");
        spec.run_dir = line.text("run_dir");
        spec.log_dir = line.text("log_dir");
        spec.nonce = line.text("nonce");
        spec.program = line.text("program");
        spec.monitor_source = fd("monitor_source", first_free_fd);
        spec.affinity = line.text("affinity");
        spec.liveness_ms = need(line, "liveness_ms", 0, most);
        spec.quit_ms = need(line, "quit_ms", 0, most);
    } else if (line.word == "arg") {
        spec.argv.push_back(line.text("value"));
    } else if (line.word == "first-arg") {
        spec.first_argv.push_back(line.text("value"));
    } else if (line.word == "env") {
        spec.env.push_back(line.text("value"));
    } else if (line.word == "setup") {
        spec.setup.push_back(line.text("command"));
        if (!spec.setup.back().starts_with('{') || spec.setup.size() > most_setup_commands) {
            throw ProtocolError("launch spec: setup");
        }
    } else if (line.word == "fd") {
        spec.fds.push_back({fd("source", first_free_fd), fd("target", 3)});
    } else if (line.word == "limit") {
        spec.limits.push_back({line.text("name"), need(line, "value", -1, most)});
    } else if (line.word == "user") {
        spec.user = User{need(line, "uid", 0, 0xfffffffe), need(line, "gid", 0, 0xfffffffe), {}};
    } else if (line.word == "group" && spec.user) {
        spec.user->groups.push_back(need(line, "gid", 0, 0xfffffffe));
    } else if (line.word == "policy") {
        spec.policy = get_policy(line);
    } else if (line.word == "console") {
        spec.console =
            ConsoleConfig{need(line, "ring", 0, 1 << 30), need(line, "log_size", 0, most),
                          need(line, "log_keep", 0, 1000)};
    } else {
        throw ProtocolError("launch spec: unknown line " + line.word);
    }
}

} // namespace detail

/// Throws ProtocolError, also for a spec that was cut off.
inline LaunchSpec decode_spec(std::string_view text) {
    LaunchSpec spec;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        const auto line = decode(text.substr(0, end));
        text.remove_prefix(end + 1);
        if (line.word == "end") {
            const auto absolute = [](const std::string& path) {
                return !path.empty() && path.front() == '/';
            };
            if (!text.empty() || spec.argv.empty() || !absolute(spec.program) ||
                !absolute(spec.run_dir) || (spec.console && !absolute(spec.log_dir))) {
                throw ProtocolError("launch spec: incomplete");
            }
            return spec;
        }
        detail::take_spec_line(spec, line);
    }
    throw ProtocolError("launch spec: cut off");
}

} // namespace mshv::keeper
