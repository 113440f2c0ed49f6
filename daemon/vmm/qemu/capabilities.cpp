// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/capabilities.hpp"

#include "toolstack/libs/posix/fd.hpp"

#include <array>
#include <charconv>
#include <sys/stat.h>
#include <utility>

namespace mshv::vmm::qemu {
namespace {

constexpr std::string_view format_line = "mshv-qemu-capabilities 1";

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// The words of a cache line and the set that each fills.
std::array<std::pair<std::string_view, std::set<std::string> Capabilities::*>, 5> set_words() {
    return {{{"accelerator", &Capabilities::accelerators},
             {"machine", &Capabilities::machines},
             {"device", &Capabilities::devices},
             {"cpu", &Capabilities::cpu_models},
             {"command", &Capabilities::commands}}};
}

} // namespace

std::optional<Version> Version::parse(std::string_view text) {
    std::array<int, 3> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
        if (error != std::errc{} || parts[i] < 0) {
            return std::nullopt;
        }
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (text.empty()) {
            return Version{parts[0], parts[1], parts[2]};
        }
        if (text.front() != '.' || i + 1 == parts.size()) {
            return std::nullopt;
        }
        text.remove_prefix(1);
    }
    return std::nullopt;
}

std::string Version::to_string() const {
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(micro);
}

BinaryKey BinaryKey::of(const std::string& path) {
    struct stat info {};
    posix::check(::stat(path.c_str(), &info), "find " + path);
    return {path,
            info.st_dev,
            info.st_ino,
            static_cast<std::uint64_t>(info.st_size),
            nanoseconds(info.st_mtim),
            nanoseconds(info.st_ctim)};
}

std::string BinaryKey::to_string() const {
    return std::to_string(device) + " " + std::to_string(inode) + " " + std::to_string(size) + " " +
           std::to_string(mtime_ns) + " " + std::to_string(ctime_ns) + " " + path;
}

std::string to_cache_text(const BinaryKey& key, const Capabilities& capabilities) {
    std::string text(format_line);
    text += "\nbinary " + key.to_string() + "\nversion " + capabilities.version.to_string() + "\n";
    for (const auto& [word, member] : set_words()) {
        for (const auto& value : capabilities.*member) {
            text.append(word).append(" ").append(value).append("\n");
        }
    }
    return text + "end\n";
}

std::optional<Capabilities> from_cache_text(const BinaryKey& key, std::string_view text) {
    Capabilities result;
    result.program = key.path;
    std::size_t number = 0;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        ++number;
        const auto space = line.find(' ');
        const std::string_view word = line.substr(0, space);
        const std::string_view value =
            space == std::string_view::npos ? "" : line.substr(space + 1);
        if (number == 1 || number == 2) {
            const std::string wanted =
                number == 1 ? std::string(format_line) : "binary " + key.to_string();
            if (line != wanted) {
                return std::nullopt;
            }
        } else if (line == "end") {
            return text.empty() && result.version != Version{} ? std::optional(result)
                                                               : std::nullopt;
        } else if (word == "version") {
            const auto version = Version::parse(value);
            if (!version) {
                return std::nullopt;
            }
            result.version = *version;
        } else {
            bool known = false;
            for (const auto& [name, member] : set_words()) {
                if (name == word) {
                    (result.*member).emplace(value);
                    known = true;
                }
            }
            if (!known) {
                return std::nullopt;
            }
        }
    }
    return std::nullopt; // cut off
}

} // namespace mshv::vmm::qemu
