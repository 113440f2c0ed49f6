// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/operations.hpp"

#include "daemon/control/restart_policy.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>

// How runs are ended on purpose.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using std::chrono::milliseconds;
using store::IntentKind;

/// How often a start in progress is told to give up, until it does.
constexpr milliseconds preempt_interval{250};

Deadline earlier(Deadline a, Deadline b) {
    return a.point() < b.point() ? a : b;
}

api::PartitionView destroyed_view(const store::PartitionRow& row) {
    api::PartitionView view = to_view(row);
    view.state = api::State::shutoff;
    view.reason = api::Reason::destroyed;
    return view;
}

} // namespace

/// Takes the lock even from a start in progress: that one is told to give up, and what it has
/// launched so far is cleaned away below it.
OperationLocks::Guard Operations::preempt(const store::PartitionRow& row, const std::string& actor,
                                          Deadline deadline, bool& cancelled) {
    for (;;) {
        const auto started = core_.locks.cancel_start(row.uuid);
        if (started) {
            cancelled = true;
            try {
                core_.vmm.clean(row.uuid, *started, deadline);
            } catch (const std::exception& error) {
                core_.log(Severity::info,
                          "cancelling the start of '" + row.name + "': " + error.what());
            }
        }
        try {
            return core_.lock(row, "destroy", actor,
                              earlier(deadline, Deadline::after(preempt_interval)));
        } catch (const Error& error) {
            if (error.code() != ErrorCode::busy || deadline.expired()) {
                throw;
            }
        }
    }
}

api::PartitionView Operations::destroy(const Directory::EntryPtr& entry,
                                       const api::DestroyRequest& request, const std::string& actor,
                                       Deadline wait_busy) {
    if (entry->row.protect_destroy && !request.override_protection) {
        throw Error(ErrorCode::denied, "Partition '" + entry->row.name + "' is protected",
                    "mshvctl destroy --override ends it nevertheless");
    }
    const Deadline deadline = Deadline::after(milliseconds(request.timeout_ms));
    const Deadline lock_until = wait_busy.point() > deadline.point() ? wait_busy : deadline;
    bool cancelled = false;
    const auto guard = preempt(entry->row, actor, lock_until, cancelled);
    const auto now = core_.directory.find(entry->row.uuid);
    if (now && cancel_restart(now->row, domain::Change::end, api::Reason::destroyed, actor,
                              "it had ended and waited to be started again")) {
        const auto after = core_.directory.find(now->row.uuid);
        return after ? core_.view(*after) : destroyed_view(now->row);
    }
    const bool off = !now || (!now->row.runtime && now->row.state != api::State::starting);
    if (off && (cancelled || !now)) {
        return now ? core_.view(*now) : destroyed_view(entry->row);
    }
    if (now->row.state == api::State::starting) {
        undo_start(now->row, api::Reason::destroyed, "destroyed while it was started");
    } else {
        require(domain::Verb::destroy, now->row);
        run_destroy(now->row, request, actor, deadline);
    }
    const auto after = core_.directory.find(now->row.uuid);
    return after ? core_.view(*after) : destroyed_view(now->row);
}

bool Operations::cancel_restart(const store::PartitionRow& row, domain::Change change,
                                api::Reason reason, const std::string& actor,
                                const std::string& detail) {
    if (!awaits_restart(row)) {
        return false;
    }
    store::RunEnd end;
    end.change = change;
    end.reason = reason;
    end.actor = actor;
    end.detail = detail;
    const auto [cancelled, gone] = core_.store.write([&](store::Transaction& t) {
        const bool ours = t.cancel_restart(row.id, end);
        return std::pair(ours, !t.find(row.id));
    });
    if (cancelled && gone && core_.hooks.removed) {
        core_.hooks.removed(row.uuid);
    }
    return cancelled;
}

void Operations::destroy_now(const api::Uuid& uuid, const std::string& actor) {
    const auto entry = core_.directory.find(uuid);
    if (!entry) {
        return;
    }
    api::DestroyRequest request;
    const Deadline deadline = Deadline::after(milliseconds(request.timeout_ms));
    const auto guard = core_.lock(entry->row, "destroy", actor, deadline);
    const auto now = core_.directory.find(uuid);
    if (now && now->row.runtime) {
        run_destroy(now->row, request, actor, deadline);
    }
}

void Operations::run_destroy(const store::PartitionRow& row, const api::DestroyRequest& request,
                             const std::string& actor, Deadline deadline) {
    const std::string incarnation = row.runtime->incarnation;
    MSHV_CRASHPOINT("control.before_destroy_intent");
    const bool runs = core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (!now || !now->runtime || now->runtime->incarnation != incarnation) {
            return false; // it ended by itself in this very moment
        }
        t.change(row.id, domain::Change::stop, api::Reason::user, actor);
        t.put_intent(row.id, core_.new_intent(IntentKind::destroy, actor, deadline, incarnation));
        return true;
    });
    if (!runs) {
        return;
    }
    MSHV_CRASHPOINT("control.after_destroy_intent");
    LivePtr live = core_.lives.find(row.uuid);
    if (!live || live->incarnation != incarnation) {
        live = core_.lives.add(row.uuid, row.id, incarnation);
    }
    end_vmm(row, live, request.grace_ms, deadline, actor);
    MSHV_CRASHPOINT("control.after_kill");
    store::RunEnd end;
    end.incarnation = incarnation;
    end.reason = api::Reason::destroyed;
    end.signal = SIGKILL;
    end.actor = actor;
    const auto [ended, gone] = core_.store.write([&](store::Transaction& t) {
        const bool ours = t.end_run(row.id, end);
        return std::pair(ours, !t.find(row.id));
    });
    MSHV_CRASHPOINT("control.after_end");
    if (ended) {
        supervisor_.let_go(live);
        if (gone && core_.hooks.removed) {
            core_.hooks.removed(row.uuid);
        }
    }
}

/// Asks the guest first; true when it went by itself within the grace.
bool Operations::grace(const store::PartitionRow& row, vmm::VmmProcess& process,
                       std::uint64_t grace_ms, Deadline deadline) {
    const Deadline until = earlier(deadline, Deadline::after(milliseconds(grace_ms)));
    try {
        process.expect(vmm::VmmProcess::Expected::shutdown, earlier(until, core_.vmm_deadline()));
        process.powerdown(earlier(until, core_.vmm_deadline()));
    } catch (const Error& error) {
        core_.log(Severity::info, "'" + row.name + "' cannot be asked: " + error.message());
        return false;
    }
    const auto ended = [&](const store::PartitionRow& now) {
        return !now.runtime || now.runtime->incarnation != row.runtime->incarnation;
    };
    const auto now = core_.directory.await(row.uuid, until, ended);
    return !now || ended(now->row);
}

/// Returns when the VMM is gone for certain.
void Operations::end_vmm(const store::PartitionRow& row, const LivePtr& live,
                         std::uint64_t grace_ms, Deadline deadline, const std::string& actor) {
    const auto process = live->get_process();
    if (process && grace_ms > 0 && grace(row, *process, grace_ms, deadline)) {
        return;
    }
    try {
        if (process) {
            process->kill(deadline);
        } else {
            core_.vmm.clean(row.uuid, live->incarnation, deadline);
        }
    } catch (const Error& error) {
        if (error.code() == ErrorCode::wrong_state) {
            return; // it is gone
        }
        if (error.code() == ErrorCode::timeout) {
            core_.store.write([&](store::Transaction& t) {
                if (t.change(row.id, domain::Change::stick, api::Reason::user, actor,
                             error.message())) {
                    t.drop_intent(row.id);
                }
            });
        }
        throw;
    }
}

} // namespace mshv::control
