// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/host_memory.hpp"

#include "daemon/control/process_figures.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <system_error>

namespace mshv::control {
namespace {

constexpr std::uint64_t kibibyte = 1024;

} // namespace

std::optional<HostMemory> host_memory(const std::string& proc) {
    constexpr std::size_t most = 16 * 1024;
    std::string text;
    try {
        text = posix::read_file(proc + "/meminfo", most);
    } catch (const std::system_error&) {
        return std::nullopt;
    }
    const auto bytes = [&](const char* word) {
        return static_cast<std::uint64_t>(number_behind(text, word).value_or(0)) * kibibyte;
    };
    const HostMemory memory{bytes("MemTotal:"), bytes("MemAvailable:"), bytes("Hugepagesize:")};
    return memory.total == 0 ? std::nullopt : std::optional(memory);
}

std::optional<std::uint64_t> free_huge_pages(const std::string& sys, std::uint64_t size) {
    const std::string folder =
        sys + "/kernel/mm/hugepages/hugepages-" + std::to_string(size / kibibyte) + "kB/";
    const auto pages = [&](const char* file) {
        return number_behind(posix::read_file(folder + file, 64), "").value_or(0);
    };
    try {
        const auto free = pages("free_hugepages") - pages("resv_hugepages");
        return free < 0 ? 0 : static_cast<std::uint64_t>(free);
    } catch (const std::system_error&) {
        return std::nullopt;
    }
}

} // namespace mshv::control
