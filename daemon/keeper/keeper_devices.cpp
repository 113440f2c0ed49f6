// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/keeper.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <charconv>
#include <set>

// A device that comes or goes while the guest runs: in its VMM by the daemon's commands, and in
// each later generation by another make-up of the command.

namespace mshv::keeper {

using posix::Deadline;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t most_relayed = 64;
constexpr std::size_t most_unplugs = 64;
constexpr int highest_target = 4096;
constexpr std::int64_t longest_wait_ms = 3'600'000;

/// Values that may hold anything but NUL, which stands behind each.
std::string join(const std::vector<std::string>& values) {
    std::string text;
    for (const auto& value : values) {
        text += value;
        text += '\0';
    }
    return text;
}

std::vector<std::string> split(const std::string& text, std::string_view what) {
    std::vector<std::string> values;
    std::size_t start = 0;
    for (auto end = text.find('\0'); end != std::string::npos; end = text.find('\0', start)) {
        values.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    if (start != text.size()) {
        throw ProtocolError("field " + std::string(what) + " does not end with NUL");
    }
    return values;
}

std::vector<int> numbers(const std::string& text, std::string_view what) {
    std::vector<int> values;
    for (std::size_t start = 0; start < text.size();) {
        const auto comma = std::min(text.find(',', start), text.size());
        int value = -1;
        const auto [end, error] = std::from_chars(text.data() + start, text.data() + comma, value);
        if (error != std::errc{} || end != text.data() + comma || value < 3 ||
            value > highest_target) {
            throw ProtocolError("field " + std::string(what) + " is no list of descriptors");
        }
        values.push_back(value);
        start = comma + 1;
    }
    return values;
}

} // namespace

void Keeper::relay(const Asker& asker, const Message& request, posix::Fd fd) {
    const std::string command = request.text("command");
    const auto scanned = scan_qmp(command);
    if (!scanned || scanned->kind != QmpLine::Kind::command || scanned->has_id ||
        command.find('\n') != std::string::npos) {
        control_.error(asker, "invalid", "Not one QMP command without id");
        return;
    }
    if (monitor_.outstanding() >= most_relayed) {
        control_.error(asker, "busy", "Too many commands are outstanding");
        return;
    }
    monitor_.send(command, std::move(fd),
                  [this, asker](ReplyKind kind, const QmpLine&, std::string_view line) {
                      if (kind == ReplyKind::returned || kind == ReplyKind::error) {
                          control_.answer(asker, Message("ok").set("json", line));
                      } else {
                          control_.error(asker, code_for(kind), line);
                      }
                  });
}

void Keeper::ask_makeup(const Asker& asker, const Message&) {
    std::string targets;
    for (const auto& fd : spec_.fds) {
        targets += (targets.empty() ? "" : ",") + std::to_string(fd.target);
    }
    control_.answer(asker, Message("ok")
                               .set("generation", generation_)
                               .set("argv", join(spec_.argv))
                               .set("setup", join(spec_.setup))
                               .set("affinity", affinity_.text())
                               .set("targets", targets));
}

/// All of it or nothing: what cannot be taken throws before anything is changed.
void Keeper::ask_amend(const Asker& asker, const Message& request, std::deque<posix::Fd>& fds) {
    const auto added = numbers(request.text("added"), "added");
    if (fds.size() < added.size()) {
        throw ProtocolError("fewer descriptors came than are named");
    }
    std::vector<posix::Fd> came;
    for (std::size_t i = 0; i < added.size(); ++i) {
        came.push_back(std::move(fds.front()));
        fds.pop_front();
    }
    const auto argv = split(request.text("argv"), "argv");
    const auto setup = split(request.text("setup"), "setup");
    const auto kept = numbers(request.text("kept"), "kept");
    if (argv.empty() || setup.size() > most_setup_commands) {
        throw ProtocolError("field argv or setup has no or too many elements");
    }
    if (phase_ == Phase::finished) {
        control_.error(asker, "wrong_state", "The partition is " + state());
        return;
    }
    std::vector<FdMap> maps;
    std::set<int> targets;
    for (const auto& map : spec_.fds) {
        if (map.source == spec_.monitor_source ||
            std::find(kept.begin(), kept.end(), map.target) != kept.end()) {
            maps.push_back(map);
            targets.insert(map.target);
        }
    }
    for (std::size_t i = 0; i < added.size(); ++i) {
        if (!targets.insert(added[i]).second) {
            throw ProtocolError("a descriptor is there already");
        }
        maps.push_back({came[i].get(), added[i]});
    }
    for (auto& fd : came) {
        vmm_fds_.push_back(std::move(fd));
    }
    std::erase_if(vmm_fds_, [&](const posix::Fd& fd) {
        return std::none_of(maps.begin(), maps.end(),
                            [&](const FdMap& map) { return map.source == fd.get(); });
    });
    spec_.argv = argv;
    spec_.setup = setup;
    spec_.fds = std::move(maps);
    MSHV_CRASHPOINT("keeper.amend.after");
    control_.ok(asker);
}

/// Asks the guest to let go of a device; the answer waits until it has, or has refused.
void Keeper::ask_unplug(const Asker& asker, const Message& request) {
    const std::string device = request.text("device");
    const auto timeout =
        std::clamp<std::int64_t>(request.number("timeout_ms").value_or(0), 0, longest_wait_ms);
    const bool plain = !device.empty() && device.size() <= 128 &&
                       std::all_of(device.begin(), device.end(), [](char c) { // or a path
                           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                                  (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' ||
                                  c == '/' || c == '[' || c == ']';
                       });
    if (!plain || unplugs_.size() >= most_unplugs) {
        control_.error(asker, plain ? "busy" : "invalid",
                       plain ? "Too many devices are being unplugged" : "Not a device's name");
        return;
    }
    // Before the command: the guest may be faster than the answer to it.
    unplugs_.push_back({asker, device, Deadline::after(milliseconds(timeout))});
    check_unplugs();
    MSHV_CRASHPOINT("keeper.unplug.before");
    monitor_.send(R"({"execute":"device_del","arguments":{"id":")" + device + R"("}})",
                  [this, asker](ReplyKind kind, const QmpLine& scanned, std::string_view line) {
                      if (kind == ReplyKind::returned) {
                          return;
                      }
                      std::erase_if(unplugs_, [&](const Unplug& unplug) {
                          return unplug.asker.connection == asker.connection &&
                                 unplug.asker.id == asker.id;
                      });
                      if (kind == ReplyKind::error) {
                          control_.error(asker, "failed", scanned.text);
                      } else {
                          control_.error(asker, code_for(kind), line);
                      }
                  });
    MSHV_CRASHPOINT("keeper.unplug.after");
}

/// Which device the event is of; empty for a part of one. A processor has no id when the VMM began
/// with it, and some versions of QEMU tell of its interrupt controller alone, which goes with it.
std::string Keeper::device_of(const QmpLine& line) {
    constexpr std::string_view named = "/machine/peripheral/";
    constexpr std::string_view began = "/machine/unattached/device[";
    constexpr std::string_view controller = "/lapic";
    std::string name = line.device.empty() ? line.path : line.device;
    const bool by_part = line.device.empty() && name.ends_with(controller);
    if (by_part) {
        name.resize(name.size() - controller.size());
        name = name.starts_with(named) ? name.substr(named.size()) : name;
    }
    const bool whole =
        !line.device.empty() || by_part || (name.starts_with(began) && name.ends_with(']'));
    // Other versions tell of the whole behind it.
    const bool again = !by_part && !name.empty() && name == gone_by_part_;
    if (!whole || again) {
        return {};
    }
    gone_by_part_ = by_part ? name : std::string();
    return name;
}

/// Told to who waits, or to nobody but the journal: then the daemon finds out what it means.
void Keeper::unplug_ended(const QmpLine& line) {
    const std::string device = device_of(line);
    if (device.empty()) {
        return;
    }
    const bool deleted = line.event == "DEVICE_DELETED";
    bool told = false;
    std::erase_if(unplugs_, [&](const Unplug& unplug) {
        if (unplug.device != device) {
            return false;
        }
        told = true;
        if (deleted) {
            control_.ok(unplug.asker);
        } else {
            control_.error(unplug.asker, "refused", "The guest keeps " + device);
        }
        return true;
    });
    check_unplugs();
    if (!told) {
        emit(deleted ? "device-deleted" : "device-kept", reason::none,
             Message().set("detail", device));
    }
}

void Keeper::check_unplugs() {
    Deadline next = Deadline::never();
    std::erase_if(unplugs_, [&](const Unplug& unplug) {
        if (unplug.deadline.expired()) {
            control_.error(unplug.asker, "timeout",
                           "The guest does not let go of " + unplug.device);
            return true;
        }
        if (unplug.deadline.point() < next.point()) {
            next = unplug.deadline;
        }
        return false;
    });
    unplugs_timer_.arm(next);
}

/// The VMM is gone, and with it what a guest could let go of.
void Keeper::forget_unplugs() {
    for (const auto& unplug : unplugs_) {
        control_.error(unplug.asker, "vmm_gone", "The VMM has ended");
    }
    unplugs_.clear();
    unplugs_timer_.cancel();
}

} // namespace mshv::keeper
