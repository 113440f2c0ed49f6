// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

/// What the fake VMM is told: its arguments, and the faults in -append.
namespace mshv::fakevmm {

using posix::Fd;

/// The words of -append that are for this program.
class Script {
public:
    explicit Script(std::string_view append) {
        while (!append.empty()) {
            const auto space = append.find(' ');
            add(append.substr(0, space));
            append = space == std::string_view::npos ? "" : append.substr(space + 1);
        }
        if (has("state") && count_start() > number("until", 1L << 30)) {
            words_.clear();
        }
    }
    [[nodiscard]] bool has(const std::string& word) const { return words_.contains(word); }
    [[nodiscard]] std::string text(const std::string& word) const {
        const auto found = words_.find(word);
        return found == words_.end() ? std::string() : found->second;
    }
    [[nodiscard]] long number(const std::string& word, long otherwise) const {
        return has(word) ? std::strtol(text(word).c_str(), nullptr, 10) : otherwise;
    }

private:
    void add(std::string_view word) {
        constexpr std::string_view prefix = "fakevmm.";
        if (!word.starts_with(prefix)) {
            return;
        }
        word.remove_prefix(prefix.size());
        const auto equals = word.find('=');
        words_[std::string(word.substr(0, equals))] =
            equals == std::string_view::npos ? "" : word.substr(equals + 1);
    }
    /// One byte a start: the file's size is the count.
    [[nodiscard]] long count_start() const {
        const Fd file = posix::open_file(text("state"), O_WRONLY | O_CREAT | O_APPEND, 0666);
        posix::check(static_cast<int>(::write(file.get(), "x", 1)), "count start");
        return ::lseek(file.get(), 0, SEEK_END);
    }

    std::map<std::string, std::string> words_;
};

struct Arguments {
    int monitor = -1;
    bool monitor_listens = false;
    std::string console; ///< stem of the FIFOs
    std::string append;
    std::string smp;
    bool stopped = false;                     ///< -S
    bool pause_at_end = false;                ///< -action shutdown=pause
    std::vector<std::string> devices, blocks, backends; ///< JSON
};

inline Arguments parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const std::string value = i + 1 < argc ? argv[i + 1] : "";
        if (option == "-append") {
            arguments.append = value;
        } else if (option == "-smp") {
            arguments.smp = value;
        } else if (option == "-device") {
            arguments.devices.push_back(value);
        } else if (option == "-blockdev") {
            arguments.blocks.push_back(value);
        } else if (option == "-netdev") {
            arguments.backends.push_back(value);
        } else if (option == "-S") {
            arguments.stopped = true;
        } else if (option == "-action") {
            arguments.pause_at_end |= value.find("shutdown=pause") != std::string::npos;
        } else if (option == "-chardev" && value.starts_with("socket,id=mon0")) {
            arguments.monitor = std::atoi(value.c_str() + value.find("fd=") + 3);
            arguments.monitor_listens = value.find("server=on") != std::string::npos;
        } else if (option == "-chardev" && value.starts_with("pipe,")) {
            arguments.console = value.substr(value.find("path=") + 5);
        }
    }
    return arguments;
}

inline int signal_number(const std::string& name) {
    const std::map<std::string, int> names{{"SEGV", SIGSEGV}, {"ABRT", SIGABRT}, {"SYS", SIGSYS},
                                           {"KILL", SIGKILL}, {"TERM", SIGTERM}, {"STOP", SIGSTOP}};
    const auto found = names.find(name);
    return found == names.end() ? SIGKILL : found->second;
}

/// The string value of a member, wherever it stands; good enough for what a keeper sends.
inline std::string member(const std::string& line, const std::string& key) {
    const auto at = line.find("\"" + key + "\"");
    const auto colon = at == std::string::npos ? at : line.find(':', at);
    const auto open = colon == std::string::npos ? colon : line.find('"', colon);
    const auto close = open == std::string::npos ? open : line.find('"', open + 1);
    return close == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
}

} // namespace mshv::fakevmm
