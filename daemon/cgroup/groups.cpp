// SPDX-License-Identifier: Apache-2.0
#include "daemon/cgroup/groups.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace mshv::cgroup {
namespace {

constexpr std::size_t most_text = 1UL << 20U;
constexpr const char* unit = "mshv.slice/mshv-partitions.service";
/// Who is in the parent itself: a group with controllers below it may have no processes.
constexpr const char* leaf = "holder";
constexpr std::size_t uuid_size = 36;

std::string text_of(const std::string& path) {
    std::string text = posix::read_file(path, most_text);
    text.erase(text.find_last_not_of(" \n") + 1);
    return text;
}

void put(const std::string& path, const std::string& text) {
    const posix::Fd fd = posix::open_file(path, O_WRONLY | O_TRUNC);
    // The kernel takes a value whole or refuses it.
    posix::check(static_cast<int>(::write(fd.get(), text.data(), text.size())), "write " + path);
}

bool has_word(const std::string& text, const std::string& word) {
    std::istringstream words(text);
    for (std::string each; words >> each;) {
        if (each == word) {
            return true;
        }
    }
    return false;
}

std::uint64_t number(const std::string& text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string cap_text(const Settings& settings) {
    return (settings.quota_us == 0 ? "max" : std::to_string(settings.quota_us)) + ' ' +
           std::to_string(settings.period_us);
}

bool has_controllers(const std::string& folder) {
    const std::string there = text_of(folder + "/cgroup.controllers");
    return has_word(there, "cpu") && has_word(there, "cpuset");
}

} // namespace

Groups::Groups(Options options) : options_(std::move(options)) {
    try {
        prepare();
    } catch (const std::exception& error) {
        why_not_ = error.what();
    }
}

void Groups::prepare() {
    std::string& parent = options_.parent;
    if (::access((options_.root + "/cgroup.controllers").c_str(), F_OK) != 0) {
        why_not_ = options_.root + " is no cgroup version 2";
        return;
    }
    const bool given = !parent.empty();
    if (!given) {
        parent = options_.root + '/' + unit;
        if (::access(parent.c_str(), F_OK) != 0) {
            why_not_ = "mshv-partitions.service does not run, and mshvd.toml names no "
                       "cgroup.parent";
            return;
        }
    } else if (::mkdir(parent.c_str(), 0755) == 0) {
        if (options_.made) {
            options_.made(parent);
        }
    } else if (errno != EEXIST) {
        throw std::system_error(errno, std::generic_category(), "make " + parent);
    }
    if (given && !has_controllers(parent)) {
        put(parent.substr(0, parent.rfind('/')) + "/cgroup.subtree_control", "+cpu +cpuset");
    }
    if (!has_controllers(parent)) {
        why_not_ = parent + " has not both of the controllers cpu and cpuset";
        return;
    }
    const std::string on = text_of(parent + "/cgroup.subtree_control");
    if (has_word(on, "cpu") && has_word(on, "cpuset")) {
        return;
    }
    const std::string folder = parent + '/' + leaf;
    if (::mkdir(folder.c_str(), 0755) == 0 && options_.made) {
        options_.made(folder);
    }
    std::istringstream processes(text_of(parent + "/cgroup.procs"));
    for (pid_t process = 0; processes >> process;) {
        move_in(leaf, process);
    }
    MSHV_CRASHPOINT("cgroup.before_controllers");
    put(parent + "/cgroup.subtree_control", "+cpu +cpuset");
    MSHV_CRASHPOINT("cgroup.after_controllers");
}

std::string Groups::file(const std::string& name, const char* what) const {
    return options_.parent + '/' + name + '/' + what;
}

std::string Groups::every_cpu() const {
    return text_of(options_.parent + "/cpuset.cpus.effective");
}

void Groups::make(const std::string& name, const Settings& settings) const {
    const std::string folder = options_.parent + '/' + name;
    MSHV_CRASHPOINT("cgroup.before_make");
    if (::mkdir(folder.c_str(), 0755) == 0) {
        if (options_.made) {
            options_.made(folder);
        }
    } else if (errno != EEXIST) {
        throw std::system_error(errno, std::generic_category(), "make " + folder);
    }
    MSHV_CRASHPOINT("cgroup.after_make");
    put(file(name, "cpu.weight"), std::to_string(settings.weight) + '\n');
    put(file(name, "cpu.max"), cap_text(settings) + '\n');
    // The kernel empties no list of a group with processes in it: all of the parent's are the same.
    const bool listed = settings.cpus.empty() && !text_of(file(name, "cpuset.cpus")).empty();
    put(file(name, "cpuset.cpus"), (listed ? every_cpu() : settings.cpus) + '\n');
    MSHV_CRASHPOINT("cgroup.after_settings");
}

std::optional<Settings> Groups::read(const std::string& name) const {
    try {
        Settings settings;
        settings.weight = static_cast<unsigned>(number(text_of(file(name, "cpu.weight"))));
        const std::string cap = text_of(file(name, "cpu.max"));
        settings.quota_us = cap.starts_with("max") ? 0 : number(cap);
        settings.period_us = static_cast<unsigned>(number(cap.substr(cap.find(' ') + 1)));
        settings.cpus = text_of(file(name, "cpuset.cpus"));
        if (settings.cpus == every_cpu()) {
            settings.cpus.clear();
        }
        return settings;
    } catch (const std::system_error& error) {
        if (error.code() == std::errc::no_such_file_or_directory) {
            return std::nullopt;
        }
        throw;
    }
}

posix::Fd Groups::entrance(const std::string& name) const {
    return posix::open_file(file(name, "cgroup.procs"), O_WRONLY | O_CLOEXEC);
}

void Groups::move_in(const std::string& name, pid_t process) const {
    try {
        put(file(name, "cgroup.procs"), std::to_string(process));
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::no_such_process) {
            throw;
        }
    }
}

bool Groups::holds(const std::string& name, pid_t process) const {
    std::istringstream processes(text_of(file(name, "cgroup.procs")));
    for (pid_t each = 0; processes >> each;) {
        if (each == process) {
            return true;
        }
    }
    return false;
}

bool Groups::remove(const std::string& name) const {
    MSHV_CRASHPOINT("cgroup.before_remove");
    const std::string folder = options_.parent + '/' + name;
    if (options_.going) {
        options_.going(folder);
    }
    if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) {
        MSHV_CRASHPOINT("cgroup.after_remove");
        return true;
    }
    if (errno == EBUSY || errno == ENOTEMPTY) {
        return false;
    }
    throw std::system_error(errno, std::generic_category(), "remove " + folder);
}

std::vector<std::string> Groups::names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(options_.parent)) {
        if (entry.is_directory() && entry.path().filename().string().size() == uuid_size) {
            found.push_back(entry.path().filename().string());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::optional<Throttling> Groups::throttling(const std::string& name) const {
    try {
        Throttling found;
        std::istringstream lines(text_of(file(name, "cpu.stat")));
        std::string word;
        for (std::uint64_t value = 0; lines >> word >> value;) {
            found.periods = word == "nr_periods" ? value : found.periods;
            found.throttled = word == "nr_throttled" ? value : found.throttled;
            found.throttled_us = word == "throttled_usec" ? value : found.throttled_us;
        }
        return found;
    } catch (const std::system_error& error) {
        if (error.code() == std::errc::no_such_file_or_directory ||
            error.code() == std::errc::no_such_device) {
            return std::nullopt;
        }
        throw;
    }
}

} // namespace mshv::cgroup
