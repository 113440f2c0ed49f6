// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/affinity.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <sched.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace mshv::keeper {
namespace {

std::optional<std::int64_t> number(std::string_view text, std::int64_t most) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0 ||
        value > most) {
        return std::nullopt;
    }
    return value;
}

/// The number of a virtual processor by the name that QEMU gives its thread, "CPU 3/KVM".
std::optional<std::int64_t> vcpu_of(std::string_view name) {
    constexpr std::string_view prefix = "CPU ";
    if (!name.starts_with(prefix) || name.find('/') == std::string_view::npos) {
        return std::nullopt;
    }
    return number(name.substr(prefix.size(), name.find('/') - prefix.size()), 65535);
}

} // namespace

std::optional<CpuMask> CpuMask::parse(std::string_view text) {
    CpuMask mask;
    for (bool more = true; more;) {
        const auto comma = text.find(',');
        const auto piece = text.substr(0, comma);
        more = comma != std::string_view::npos;
        text = more ? text.substr(comma + 1) : "";
        const auto dash = piece.find('-');
        const auto first = number(piece.substr(0, dash), most - 1);
        const auto last =
            dash == std::string_view::npos ? first : number(piece.substr(dash + 1), most - 1);
        if (!first || !last || *last < *first) {
            return std::nullopt;
        }
        for (auto cpu = static_cast<std::size_t>(*first); cpu <= static_cast<std::size_t>(*last);
             ++cpu) {
            mask.words_[cpu / bits] |= 1UL << (cpu % bits);
        }
    }
    return mask;
}

CpuMask CpuMask::of_thread(pid_t thread) {
    CpuMask mask;
    if (::syscall(SYS_sched_getaffinity, thread, mask.words_.size() * sizeof(unsigned long),
                  mask.words_.data()) < 0) {
        mask.words_.assign(mask.words_.size(), ~0UL);
    }
    return mask;
}

void CpuMask::give_to(pid_t thread) const {
    if (::syscall(SYS_sched_setaffinity, thread, words_.size() * sizeof(unsigned long),
                  words_.data()) < 0 &&
        errno != ESRCH) {
        throw std::system_error(errno, std::generic_category(), "pin a thread");
    }
}

Affinity::Affinity(std::string text) : text_(std::move(text)) {
    std::string_view rest = text_;
    while (!rest.empty()) {
        const auto blank = rest.find(' ');
        const auto piece = rest.substr(0, blank);
        rest = blank == std::string_view::npos ? "" : rest.substr(blank + 1);
        const auto colon = piece.find(':');
        const auto mask = colon == std::string_view::npos ? std::nullopt
                                                          : CpuMask::parse(piece.substr(colon + 1));
        const auto who = piece.substr(0, colon);
        const auto vcpu = number(who, 65535);
        if (!mask || (!vcpu && who != "emulator")) {
            throw std::invalid_argument("not an affinity");
        }
        if (vcpu) {
            vcpus_.emplace_back(*vcpu, *mask);
        } else {
            emulator_ = mask;
        }
    }
}

const CpuMask* Affinity::of(const std::string& thread_name) const {
    const auto vcpu = vcpu_of(thread_name);
    if (!vcpu) {
        return emulator_ ? &*emulator_ : nullptr;
    }
    for (const auto& [index, mask] : vcpus_) {
        if (index == *vcpu) {
            return &mask;
        }
    }
    return nullptr;
}

void Affinity::apply(pid_t vmm) const {
    const CpuMask ours = CpuMask::of_thread(0);
    const std::filesystem::path folder = "/proc/" + std::to_string(vmm) + "/task";
    // A thread may be made by one that had not been given its own yet: until nothing is to be done.
    constexpr int most_rounds = 4;
    for (int round = 0, changed = 1; changed > 0 && round < most_rounds; ++round) {
        changed = 0;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            const auto thread = number(entry.path().filename().string(), 1 << 22);
            std::string name;
            try {
                name = posix::read_file((entry.path() / "comm").string(), 64);
            } catch (const std::system_error&) {
                continue; // it has ended
            }
            const CpuMask* mask = of(name);
            const CpuMask& wanted = mask == nullptr ? ours : *mask;
            if (thread && CpuMask::of_thread(static_cast<pid_t>(*thread)) != wanted) {
                wanted.give_to(static_cast<pid_t>(*thread));
                ++changed;
            }
        }
    }
}

} // namespace mshv::keeper
