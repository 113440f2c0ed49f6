// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/cgroup/groups.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace mshv::testing {

/// A folder shaped as a cgroupfs: what is made in it has its files at once.
class CgroupFolder {
public:
    CgroupFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "cgroup-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("no folder for a test");
        }
        root = name;
        fill(root);
    }
    CgroupFolder(const CgroupFolder&) = delete;
    CgroupFolder& operator=(const CgroupFolder&) = delete;
    ~CgroupFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(root, ignored);
    }

    static void fill(const std::string& folder) {
        for (const auto& [name, text] :
             {std::pair{"cgroup.controllers", "cpuset cpu io memory\n"},
              std::pair{"cgroup.subtree_control", "\n"}, std::pair{"cgroup.procs", ""},
              std::pair{"cpu.weight", "100\n"}, std::pair{"cpu.max", "max 100000\n"},
              std::pair{"cpuset.cpus", "\n"}, std::pair{"cpuset.cpus.effective", "0-7\n"},
              std::pair{"cpu.stat", "usage_usec 9\nnr_periods 7\nnr_throttled 3\nthrottled_usec "
                                    "5000\n"}}) {
            std::ofstream(folder + '/' + name) << text;
        }
    }

    /// Of `parent` below it.
    [[nodiscard]] cgroup::Options options(const std::string& parent = "mshv") const {
        cgroup::Options made;
        made.root = root;
        made.parent = parent.empty() ? "" : root + '/' + parent;
        made.made = fill;
        // As the kernel: a group with processes stays.
        made.going = [](const std::string& folder) {
            if (std::filesystem::exists(folder) &&
                std::filesystem::file_size(folder + "/cgroup.procs") == 0) {
                for (const auto& entry : std::filesystem::directory_iterator(folder)) {
                    std::filesystem::remove(entry.path());
                }
            }
        };
        return made;
    }

    [[nodiscard]] std::string text(const std::string& path) const {
        std::ifstream file(root + '/' + path);
        std::string all{std::istreambuf_iterator<char>(file), {}};
        return all.substr(0, all.find_last_not_of('\n') + 1);
    }
    void put(const std::string& path, const std::string& text) const {
        std::ofstream(root + '/' + path) << text;
    }

    std::string root;
};

} // namespace mshv::testing
