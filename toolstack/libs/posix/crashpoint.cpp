// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

// The linker makes these two for a section whose name is a C identifier: its first byte and the one
// behind its last. Weak, since a program without crash points has no such section.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names
[[gnu::weak]] extern const char* const __start_mshv_crashpoints;
[[gnu::weak]] extern const char* const __stop_mshv_crashpoints;
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}

namespace mshv::posix {
namespace {

enum class Action { kill, stop, error, exit };

struct Trigger {
    std::string name;
    long countdown = 1;
    Action action = Action::kill;
};

/// The triggers that the environment asks for, read once. The counters are atomic so that two
/// threads cannot both see the N-th hit.
class Triggers {
public:
    Triggers() {
        const char* text = std::getenv("MSHV_CRASHPOINT");
        std::string_view rest = text == nullptr ? "" : text;
        while (!rest.empty()) {
            const auto comma = rest.find(',');
            add(rest.substr(0, comma));
            rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
        }
    }

    void hit(std::string_view name) {
        for (const auto& entry : entries_) {
            if (entry->trigger.name == name && entry->left.fetch_sub(1) == 1) {
                act(entry->trigger);
            }
        }
    }

private:
    struct Entry {
        Trigger trigger;
        std::atomic<long> left{1};
    };

    void add(std::string_view text) {
        Trigger trigger;
        if (const auto equals = text.find('='); equals != std::string_view::npos) {
            const auto action = text.substr(equals + 1);
            trigger.action = action == "stop"    ? Action::stop
                             : action == "error" ? Action::error
                             : action == "exit"  ? Action::exit
                                                 : Action::kill;
            text = text.substr(0, equals);
        }
        if (const auto colon = text.find(':'); colon != std::string_view::npos) {
            trigger.countdown =
                std::strtol(std::string(text.substr(colon + 1)).c_str(), nullptr, 10);
            text = text.substr(0, colon);
        }
        trigger.name = text;
        auto entry = std::make_unique<Entry>();
        entry->left = trigger.countdown;
        entry->trigger = std::move(trigger);
        entries_.push_back(std::move(entry));
    }

    static void act(const Trigger& trigger) {
        switch (trigger.action) {
        case Action::kill:
            ::kill(::getpid(), SIGKILL);
            break;
        case Action::stop:
            ::kill(::getpid(), SIGSTOP);
            break;
        case Action::error:
            throw std::runtime_error("crash point " + trigger.name);
        case Action::exit:
            ::_exit(99);
        }
    }

    std::vector<std::unique_ptr<Entry>> entries_;
};

} // namespace

void hit_crashpoint(std::string_view name) {
    static Triggers triggers;
    triggers.hit(name);
}

std::vector<std::string_view> crashpoint_names() {
    std::vector<std::string_view> names;
    if (&__start_mshv_crashpoints != nullptr) {
        for (const char* const* site = &__start_mshv_crashpoints; site != &__stop_mshv_crashpoints;
             ++site) {
            names.emplace_back(*site);
        }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

} // namespace mshv::posix
