// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/host_memory.hpp"

#include "toolstack/libs/hostprobe/text.hpp"

namespace mshv::control {
namespace {

constexpr std::uint64_t kibibyte = 1024;

} // namespace

std::optional<HostMemory> host_memory(const std::string& proc) {
    const std::string text = hostprobe::read_text(proc + "/meminfo");
    const auto bytes = [&](const char* key) {
        return hostprobe::number_behind(text, key) * kibibyte;
    };
    const HostMemory memory{bytes("MemTotal"), bytes("MemAvailable"), bytes("Hugepagesize")};
    return memory.total == 0 ? std::nullopt : std::optional(memory);
}

std::optional<std::uint64_t> free_huge_pages(const std::string& sys, std::uint64_t size) {
    const std::string folder =
        sys + "/kernel/mm/hugepages/hugepages-" + std::to_string(size / kibibyte) + "kB/";
    const auto free = hostprobe::number_of(hostprobe::read_line(folder + "free_hugepages"));
    const auto promised = hostprobe::number_of(hostprobe::read_line(folder + "resv_hugepages"));
    if (!free || !promised) {
        return std::nullopt;
    }
    return *free < *promised ? 0 : static_cast<std::uint64_t>(*free - *promised);
}

} // namespace mshv::control
