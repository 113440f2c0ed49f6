// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/cpu_list.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <system_error>

namespace mshv::vmm {

std::optional<api::CpuSet> read_cpu_list(const std::string& path) {
    try {
        auto list = posix::read_file(path, 64UL * 1024);
        list.erase(list.find_last_not_of('\n') + 1);
        return list.empty() ? api::CpuSet{} : api::parse_cpu_set(list);
    } catch (const std::system_error&) {
        return std::nullopt;
    }
}

} // namespace mshv::vmm
