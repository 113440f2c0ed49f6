// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/guests.hpp"

#include "daemon/control/service.hpp"
#include "daemon/control/sleeping.hpp"
#include "toolstack/libs/api/base64.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using std::chrono::milliseconds;

/// Talks are short: most who meet another need wait no longer.
constexpr milliseconds moment{300};
/// A guest writes what it has in its caches before it is frozen.
constexpr milliseconds freeze_time{30'000};
constexpr milliseconds longest_wait{30'000};
constexpr std::uint64_t longest_freeze_s = 3600;
constexpr std::size_t most_words = 4096;
constexpr std::size_t longest_program = 256;

/// The later of two.
Deadline later(Deadline one, Deadline other) {
    return one.is_never() || one.point() > other.point() ? one : other;
}

Deadline sooner(Deadline one, Deadline other) {
    return later(one, other).point() == one.point() ? other : one;
}

void check_program(const api::GuestExecRequest& request) {
    const auto refuse = [](const std::string& why, const std::string& hint = {}) {
        throw Error(ErrorCode::invalid, why, hint);
    };
    if (request.program.empty()) {
        refuse("the program has no name");
    }
    if (request.arguments.size() + request.environment.size() > most_words) {
        refuse("a program gets at most " + std::to_string(most_words) + " words");
    }
    for (const auto& variable : request.environment) {
        if (variable.find('=') == std::string::npos || variable.front() == '=') {
            refuse("'" + variable.substr(0, longest_program) + "' sets no variable", "KEY=VALUE");
        }
    }
    if (!api::decode_base64(request.input_base64)) {
        refuse("input_base64 is no base64");
    }
}

} // namespace

void Guests::stop() {
    for (const auto& live : core_.lives.all()) {
        const auto process = live->get_process();
        if (auto* const agent = process ? vmm::guest_agent_of(*process) : nullptr) {
            agent->interrupt();
        }
    }
    thaws_.stop();
}

void Guests::refuse_frozen(const store::PartitionRow& row) const {
    if (thaws_.find(row)) {
        throw Error(ErrorCode::wrong_state, "The guest of '" + row.name + "' is frozen",
                    "thaw it first");
    }
}

Guests::Guest Guests::reach(const api::Selector& selector) {
    const auto entry = core_.resolve(selector);
    const auto& row = entry->row;
    require(domain::Verb::vcpus, row);
    if (row.state != api::State::running && row.state != api::State::stopping) {
        throw Error(ErrorCode::wrong_state,
                    "Partition '" + row.name + "' is " + std::string(api::to_name(row.state)) +
                        ": its guest answers nobody",
                    row.state == api::State::paused ? "unpause it" : "");
    }
    refuse_asleep(row, "answer");
    Guest guest{row, core_.process_of(row), nullptr};
    guest.agent = vmm::guest_agent_of(*guest.process);
    if (guest.agent == nullptr) {
        throw Error(ErrorCode::unsupported, "Partition '" + row.name + "' has no guest agent channel",
                    "add <channel> with target name org.qemu.guest_agent.0");
    }
    if (!guest.process->agent_connected(core_.vmm_deadline())) {
        throw Error(ErrorCode::wrong_state, "No guest agent runs in '" + row.name + "'",
                    "install qemu-guest-agent in the guest, and start it");
    }
    return guest;
}

vmm::AgentTime Guests::time(std::string_view what, const Actor& actor, Deadline wait_busy,
                            milliseconds span) const {
    const Deadline turn = later(wait_busy, Deadline::after(moment));
    // What another talk takes is not taken from this one.
    const Deadline talk = Deadline::after(span + milliseconds(std::max(0, turn.poll_timeout())));
    return {turn, talk, std::string(what) + " by " + actor.name};
}

vmm::AgentTime Guests::time(std::string_view what, const Actor& actor) const {
    return time(what, actor, Deadline::after({}), core_.options.vmm_timeout);
}

void Guests::record(const Guest& guest, std::string_view event, const Actor& actor,
                    const std::string& detail) {
    core_.store.write(
        [&](store::Transaction& t) { t.event(event, guest.row.id, actor.name, detail); });
}

api::GuestPing Guests::ping(const api::Selector& selector, const Actor& actor) {
    const Guest guest = reach(selector);
    const auto before = core_.clock.boot_ms();
    guest.agent->ping(time("ping", actor));
    return {core_.clock.boot_ms() - before};
}

api::GuestInfo Guests::info(const api::Selector& selector, const Actor& actor) {
    return reach(selector).agent->info(time("info", actor));
}

api::GuestAddresses Guests::addresses(const api::Selector& selector, const Actor& actor) {
    const auto entry = core_.resolve(selector);
    require(domain::Verb::vcpus, entry->row);
    const auto process = core_.process_of(entry->row);
    auto* const agent = vmm::guest_agent_of(*process);
    if (agent == nullptr || entry->row.state == api::State::paused || is_asleep(entry->row) ||
        !process->agent_connected(core_.vmm_deadline())) {
        return seen_addresses(entry->row);
    }
    try {
        auto result = agent->addresses(time("addresses", actor));
        add_aliases(entry->row, result);
        return result;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unsupported) {
            throw;
        }
        return seen_addresses(entry->row);
    }
}

void Guests::add_aliases(const store::PartitionRow& row, api::GuestAddresses& addresses) {
    const auto spec = core_.running_spec(row);
    for (auto& interface : addresses.interfaces) {
        for (const auto& nic : spec.devices.nics) {
            if (!interface.mac.empty() && nic.mac == interface.mac) {
                interface.alias = nic.alias;
            }
        }
    }
}

api::GuestAddresses Guests::seen_addresses(const store::PartitionRow& row) {
    api::GuestAddresses result;
    for (const auto& nic : core_.running_spec(row).devices.nics) {
        api::GuestInterface found{{}, nic.mac, nic.alias, api::AddressSource::arp, {}};
        if (nic.source == api::NicSource::bridge) {
            for (const auto& seen : core_.neighbours(nic.bridge)) {
                if (seen.mac == nic.mac) {
                    found.addresses.push_back({seen.address, std::nullopt});
                }
            }
        }
        result.interfaces.push_back(std::move(found));
    }
    return result;
}

api::GuestExecStarted Guests::exec(const api::Selector& selector,
                                   const api::GuestExecRequest& request, const Actor& actor,
                                   Deadline wait_busy) {
    check_program(request);
    const Guest guest = reach(selector);
    // Its arguments may be secret.
    record(guest, "partition.guest-exec", actor, request.program.substr(0, longest_program));
    MSHV_CRASHPOINT("control.before_guest_exec");
    return guest.agent->exec(request,
                             time("exec", actor, wait_busy, core_.options.vmm_timeout));
}

api::GuestExecStatus Guests::exec_status(const api::Selector& selector,
                                         const api::GuestExecStatusRequest& request,
                                         const Actor& actor) {
    constexpr milliseconds longest_pause{1000};
    const Deadline end = Deadline::after(
        milliseconds(std::min<std::uint64_t>(request.wait_ms, longest_wait.count())));
    milliseconds pause{20};
    for (;;) {
        const Guest guest = reach(selector);
        try {
            auto status = guest.agent->exec_status(request.pid, time("exec", actor));
            if (status.exited || end.expired()) {
                return status;
            }
        } catch (const Error& error) {
            if (error.code() != ErrorCode::busy || end.expired()) {
                throw;
            }
        }
        // Until the partition's run is over, the daemon ends, or it is time to ask again.
        const std::string incarnation = guest.row.runtime ? guest.row.runtime->incarnation : "";
        (void)core_.directory.await(guest.row.uuid, sooner(end, Deadline::after(pause)),
                                    [&](const store::PartitionRow& row) {
                                        return !row.runtime ||
                                               row.runtime->incarnation != incarnation;
                                    });
        pause = std::min(pause * 2, longest_pause);
    }
}

api::GuestFreeze Guests::freeze_view(const store::PartitionRow& row, bool frozen) const {
    api::GuestFreeze view;
    view.frozen = frozen;
    if (const auto state = thaws_.find(row)) {
        view.thaw_in_ms = std::max<std::int64_t>(state->due - core_.clock.boot_ms(), 0);
    }
    return view;
}

api::GuestFreeze Guests::freeze(const api::Selector& selector,
                                const api::GuestFreezeRequest& request, const Actor& actor,
                                Deadline wait_busy) {
    if (request.thaw_after_s < 1 || request.thaw_after_s > longest_freeze_s) {
        throw Error(ErrorCode::invalid, "A guest is frozen for 1 to " +
                                            std::to_string(longest_freeze_s) + " seconds");
    }
    const Guest guest = reach(selector);
    if (const auto holder = core_.locks.holder(guest.row.uuid); holder && holder->verb == "save") {
        throw Error(ErrorCode::busy, "Partition '" + guest.row.name + "' is being saved");
    }
    const auto span = static_cast<std::int64_t>(request.thaw_after_s) * 1000;
    const auto token =
        thaws_.begin(guest.row, core_.clock.boot_ms() + span, actor.name,
                     "thawed after " + std::to_string(request.thaw_after_s) + " s at the latest");
    try {
        const auto count = guest.agent->freeze(
            time("freeze", actor, wait_busy, std::min(freeze_time, milliseconds(span))));
        thaws_.settle(guest.row.uuid, Thaws::Freezing::done);
        auto view = freeze_view(guest.row, true);
        view.filesystems = count;
        return view;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::unsupported) {
            thaws_.end(guest.row.uuid, token, "partition.guest-freeze-failed", actor.name,
                       error.message());
        }
        // Otherwise it may have heard of it all the same.
        thaws_.settle(guest.row.uuid, Thaws::Freezing::in_doubt);
        throw;
    } catch (...) {
        thaws_.settle(guest.row.uuid, Thaws::Freezing::in_doubt);
        throw;
    }
}

api::GuestFreeze Guests::thaw(const api::Selector& selector, const Actor& actor,
                              Deadline wait_busy) {
    const Guest guest = reach(selector);
    const auto state = thaws_.find(guest.row);
    if (state && state->freezing) {
        throw Error(ErrorCode::busy, "The guest of '" + guest.row.name + "' is being frozen",
                    "try again when it is");
    }
    const auto count =
        guest.agent->thaw(time("thaw", actor, wait_busy, core_.options.vmm_timeout));
    MSHV_CRASHPOINT("control.after_guest_thaw");
    if (state) {
        thaws_.end(guest.row.uuid, state->token, "partition.guest-thawed", actor.name,
                   std::to_string(count) + " file systems");
    }
    auto view = freeze_view(guest.row, false);
    view.filesystems = count;
    return view;
}

api::GuestFreeze Guests::freeze_status(const api::Selector& selector, const Actor& actor) {
    const Guest guest = reach(selector);
    return freeze_view(guest.row, guest.agent->frozen(time("freeze-status", actor)));
}

api::GuestTime Guests::sync_time(const api::Selector& selector, const Actor& actor,
                                 Deadline wait_busy) {
    constexpr std::int64_t ns = 1'000'000; // in a millisecond
    const Guest guest = reach(selector);
    const auto when = [&] {
        return time("sync-time", actor, wait_busy, core_.options.vmm_timeout);
    };
    api::GuestTime result;
    result.before_ms = guest.agent->clock_ns(when()) / ns - core_.clock.wall_ms();
    record(guest, "partition.guest-time", actor,
           "its clock differed by " + std::to_string(result.before_ms) + " ms");
    guest.agent->set_clock(core_.clock.wall_ms() * ns, when());
    result.after_ms = guest.agent->clock_ns(when()) / ns - core_.clock.wall_ms();
    return result;
}

} // namespace mshv::control
