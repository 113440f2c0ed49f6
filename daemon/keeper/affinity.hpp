// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace mshv::keeper {

/// Processors of the host, one bit each, as sched_setaffinity(2) takes them.
class CpuMask {
public:
    /// "0-3,7"; empty for any other text.
    static std::optional<CpuMask> parse(std::string_view text);
    /// Those of a thread; all that there may be where it cannot be asked.
    static CpuMask of_thread(pid_t thread);
    /// Throws std::system_error.
    void give_to(pid_t thread) const;
    bool operator==(const CpuMask&) const = default;

private:
    static constexpr std::size_t most = 8192;
    static constexpr std::size_t bits = 8 * sizeof(unsigned long);
    std::vector<unsigned long> words_ = std::vector<unsigned long>(most / bits);
};

/// On which processors the threads of a VMM may run: "0:0-3 1:7 emulator:2", a virtual processor by
/// its number, `emulator` every other thread. Who is not named has what this process has.
class Affinity {
public:
    /// Throws std::invalid_argument.
    explicit Affinity(std::string text);
    [[nodiscard]] const std::string& text() const { return text_; }
    /// Gives the threads of `vmm`, whose VPs are there already, what is theirs. Throws
    /// std::system_error at the first that the kernel refuses.
    void apply(pid_t vmm) const;

private:
    [[nodiscard]] const CpuMask* of(const std::string& thread_name) const;

    std::string text_;
    std::vector<std::pair<std::int64_t, CpuMask>> vcpus_;
    std::optional<CpuMask> emulator_;
};

} // namespace mshv::keeper
