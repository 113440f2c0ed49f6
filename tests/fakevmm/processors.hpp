// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <unistd.h>

namespace mshv::fakevmm {

/// Virtual processors that come and go. Those that it began with have a path in the place of a
/// name.
class Processors {
public:
    /// The value of -smp: "cpus=2,maxcpus=4".
    explicit Processors(const std::string& smp)
        : began_(number(smp, "cpus=")), most_(std::max(began_, number(smp, "maxcpus="))) {}

    /// What query-hotpluggable-cpus returns; the last one first, as QEMU does.
    [[nodiscard]] std::string list(const std::set<std::string>& devices) const {
        std::string text;
        for (int i = most_ - 1; i >= 0; --i) {
            const auto name = "vcpu" + std::to_string(i);
            const auto path = path_of(i);
            std::string has;
            if (i < began_ && !gone_.contains(path)) {
                has = path;
            } else if (devices.contains(name)) {
                has = "/machine/peripheral/" + name;
            }
            text += (text.empty() ? "" : ", ") + (R"({"props": {"core-id": )" + std::to_string(i)) +
                    R"(, "thread-id": 0, "socket-id": 0}, "vcpus-count": 1, )" +
                    (has.empty() ? "" : R"("qom-path": ")" + has + R"(", )") +
                    R"("type": "max-x86_64-cpu"})";
        }
        return "[" + text + "]";
    }
    /// The same for query-cpus-fast. All of them are this process.
    [[nodiscard]] std::string threads(const std::set<std::string>& devices) const {
        std::string text;
        for (int i = 0; i < most_; ++i) {
            if ((i < began_ && !gone_.contains(path_of(i))) ||
                devices.contains("vcpu" + std::to_string(i))) {
                text += (text.empty() ? "" : ", ") + (R"({"cpu-index": )" + std::to_string(i)) +
                        R"(, "thread-id": )" + std::to_string(::getpid()) + "}";
            }
        }
        return "[" + text + "]";
    }
    /// Takes a device of these away, or a processor that it began with: what DEVICE_DELETED says.
    /// Empty when there is none.
    std::string leave(const std::string& path, std::set<std::string>& devices) {
        if (devices.erase(path) > 0) {
            return R"({"device":")" + path + R"(","path":"/x"})";
        }
        for (int i = 0; i < began_; ++i) {
            if (path == path_of(i) && gone_.insert(path).second) {
                return R"({"path":")" + path + "/lapic\"}"; // as QEMU 7.2 says it
            }
        }
        return {};
    }

private:
    static int number(const std::string& smp, std::string_view key) {
        for (std::size_t at = 0; at < smp.size();) {
            const auto end = std::min(smp.find(',', at), smp.size());
            if (smp.compare(at, key.size(), key) == 0) {
                return std::atoi(smp.c_str() + at + key.size());
            }
            at = end + 1;
        }
        return 1;
    }
    static std::string path_of(int index) {
        return "/machine/unattached/device[" + std::to_string(index) + "]";
    }

    int began_, most_;
    std::set<std::string> gone_;
};

} // namespace mshv::fakevmm
