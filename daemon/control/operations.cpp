// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/operations.hpp"

#include "daemon/control/preparation.hpp"
#include "daemon/control/restart_policy.hpp"
#include "daemon/control/saver.hpp"
#include "daemon/vmm/disk_identity.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <unistd.h>

// The beginning of runs; ending.cpp has their end, defining.cpp the definitions.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using store::IntentKind;

void refuse_when_cancelled(const OperationLocks::Guard& guard, const std::string& name) {
    if (guard.cancelled()) {
        throw Error(ErrorCode::failed, "The start of '" + name + "' was given up: it is destroyed");
    }
}

/// What was claimed is what is opened, even where a path leads elsewhere meanwhile.
void hold_to_claims(std::vector<domain::FilePlan>& files,
                    const std::vector<domain::DiskClaim>& claims) {
    for (auto& file : files) {
        for (const auto& claim : claims) {
            if (claim.path == file.path) {
                file.node = claim.node;
            }
        }
    }
}

} // namespace

std::string random_incarnation() {
    static constexpr char digits[] = "0123456789abcdef";
    std::uint64_t bits = random_bits();
    std::string name;
    for (int i = 0; i < 12; ++i, bits >>= 4) {
        name += digits[bits & 0xf];
    }
    return name;
}

api::PartitionView Operations::create(const api::CreateRequest& request, const std::string& actor,
                                      Deadline wait_busy) {
    if (const auto old = replaced_by(request)) {
        const Rewrite rewrite{request.spec, request.xml, replacing_cause(request.cause)};
        StartOptions options{request.paused,
                             Deadline::after(std::chrono::milliseconds(request.timeout_ms)),
                             wait_busy};
        options.rewrite = &rewrite;
        return start(old, options, actor);
    }
    // The log folder of an earlier partition with the same UUID may be on its way out.
    const Deadline moment = Deadline::after(std::chrono::milliseconds(100));
    const Deadline lock_until = wait_busy.point() > moment.point() ? wait_busy : moment;
    const Deadline deadline = Deadline::after(std::chrono::milliseconds(request.timeout_ms));
    for (int attempt = 1;; ++attempt) {
        bool generated_macs = false;
        Launch launch{prepared(core_, request.spec, generated_macs), random_incarnation(),
                      request.paused, deadline, actor};
        const auto definition = new_definition(launch.spec, request, api::Cause::created);
        launch.disks = vmm::disk_claims(launch.spec);
        const auto guard =
            core_.locks.acquire(definition.uuid, definition.name,
                                api::OperationView{"create", actor, core_.clock.wall_ms()},
                                lock_until, launch.incarnation);
        try {
            MSHV_CRASHPOINT("control.before_create_intent");
            const auto row = core_.store.write([&](store::Transaction& t) {
                const auto inserted =
                    t.insert(definition, request.mode == api::CreateMode::persistent, actor);
                t.change(inserted.id, domain::Change::start, api::Reason::user, actor);
                t.put_intent(inserted.id,
                             core_.new_intent(IntentKind::create, actor, deadline,
                                              launch.incarnation));
                t.claim_disks(inserted.id, launch.disks);
                return inserted;
            });
            this->launch(row, launch, guard);
            return core_.view(definition.uuid);
        } catch (const Error& error) {
            if (!is_mac_conflict(error) || !generated_macs || attempt == mac_attempts) {
                throw;
            }
        }
    }
}

api::PartitionView Operations::start(const Directory::EntryPtr& entry, const StartOptions& options,
                                     const std::string& actor) {
    const std::string incarnation = random_incarnation();
    const auto guard = core_.lock(entry->row, "start", actor, options.wait_busy, incarnation);
    const auto now = core_.directory.find(entry->row.uuid);
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + entry->row.name + "' is gone");
    }
    if (options.restart && !awaits_restart(now->row)) {
        return core_.view(*now);
    }
    require(domain::Verb::start, now->row);
    Launch launch{core_.definition(now->row).spec, incarnation, options.paused, options.deadline,
                  actor};
    std::optional<Replacement> next;
    if (options.rewrite != nullptr) {
        next = replacement(now->row, launch.spec, *options.rewrite);
        launch.spec = next->spec;
    }
    refuse_when_invalid(core_.objections(launch.spec), now->row.name);
    std::optional<SavedImage> saved;
    JobLine nobody{store::JobRow{}}; // who starts a partition waits for it
    if (!now->row.saved.empty() && !options.discard_saved) {
        saved = open_managed(now->row, launch, options);
        launch.saved = &*saved;
        launch.managed = true;
        launch.line = &nobody;
    }
    launch.disks = vmm::disk_claims(launch.spec);
    MSHV_CRASHPOINT("control.before_start_intent");
    const auto row = core_.store.write([&](store::Transaction& t) {
        const auto id = now->row.id;
        if (next) {
            t.redefine(next->definition, next->over, actor);
        }
        if (!t.change(id, domain::Change::start,
                      options.restart ? api::Reason::restarted : api::Reason::user, actor)) {
            throw Error(ErrorCode::wrong_state,
                        "Partition '" + now->row.name + "' changed meanwhile");
        }
        t.put_intent(id, core_.new_intent(IntentKind::start, actor, options.deadline,
                                          incarnation));
        t.claim_disks(id, launch.disks);
        claim_macs(t, id, launch.saved);
        if (options.discard_saved && !now->row.saved.empty()) {
            t.set_saved(id, "", actor, "discarded");
        }
        if (options.autostart_boot) {
            t.set_autostart_done(id, *options.autostart_boot);
        }
        return t.find(id).value();
    });
    if (options.discard_saved && !now->row.saved.empty()) {
        ::unlink(now->row.saved.c_str());
    }
    this->launch(row, launch, guard);
    return core_.view(row.uuid);
}

void Operations::launch(const store::PartitionRow& row, const Launch& launch,
                        const OperationLocks::Guard& guard) {
    MSHV_CRASHPOINT("control.after_start_intent");
    const LivePtr live = core_.lives.add(row.uuid, row.id, launch.incarnation);
    std::shared_ptr<vmm::VmmProcess> process;
    std::optional<Admission::Ticket> admitted;
    try {
        refuse_when_cancelled(guard, row.name);
        admitted.emplace(admission_.admit(row, launch.spec));
        vmm::PlanRequest request{launch.spec, row.id, launch.incarnation, launch.paused};
        if (launch.saved != nullptr) {
            request = plan_request(launch.saved->manifest, row.id, launch.incarnation);
            request.start_paused = launch.paused;
            request.saved_by = launch.saved->manifest.vmm;
        }
        domain::LaunchPlan plan = core_.vmm.plan(request);
        hold_to_claims(plan.files, launch.disks);
        core_.make_group(row.uuid, request.spec);
        process = core_.vmm.launch(plan, launch.deadline);
        MSHV_CRASHPOINT("control.after_launch");
        refuse_when_cancelled(guard, row.name);
        if (launch.saved != nullptr) {
            load(row, launch, *process, guard);
        } else if (!launch.paused) {
            resume(row, launch, live, *process);
            MSHV_CRASHPOINT("control.after_resume");
        }
        record(row, launch, plan, *process);
        MSHV_CRASHPOINT("control.after_record");
    } catch (const Error& error) {
        if (error.code() == ErrorCode::outcome_unknown) {
            // The run may be in the database: the next daemon adopts it or cleans it up.
            throw;
        }
        unwind(row, launch, live, process.get(), error.message(), guard.cancelled());
        if (guard.cancelled()) {
            refuse_when_cancelled(guard, row.name);
        }
        throw;
    } catch (const std::exception& error) {
        unwind(row, launch, live, process.get(), error.what(), guard.cancelled());
        throw;
    } catch (const JobLine::Cancelled&) {
        unwind(row, launch, live, process.get(), "the restore was cancelled", false);
        throw;
    } catch (const JobLine::Detached&) {
        unwind(row, launch, live, process.get(), "mshvd ended while it was being restored", false);
        throw;
    }
    supervisor_.run_recorded(live, std::move(process));
    if (launch.saved != nullptr && !launch.paused) {
        finish_restore(row.uuid);
    }
    if (launch.managed) {
        ::unlink(row.saved.c_str());
        MSHV_CRASHPOINT("restore.after_saved_unlink");
    }
}

void Operations::resume(const store::PartitionRow& row, const Launch& launch, const LivePtr& live,
                        vmm::VmmProcess& process) {
    try {
        process.resume(launch.deadline);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::wrong_state) {
            throw;
        }
        // The user asked for a start: to hear that the partition is off would be no answer.
        Error ended(ErrorCode::failed, "The VMM of '" + row.name + "' ended before its guest ran");
        ended.because(error.message());
        posix::Lock lock(live->mutex);
        for (const auto& event : live->inbox) {
            if (event.kind == vmm::KeeperEvent::Kind::vmm_exited) {
                ended.because(event.detail);
            }
        }
        throw ended;
    }
}

void Operations::record(const store::PartitionRow& row, const Launch& launch,
                        const domain::LaunchPlan& plan, vmm::VmmProcess& process) {
    const vmm::KeeperRecord record = process.record();
    const vmm::KeeperStatus status = process.status(launch.deadline);
    store::Runtime runtime;
    runtime.incarnation = launch.incarnation;
    runtime.run_dir = record.run_dir;
    runtime.nonce = record.nonce;
    runtime.boot_id = record.boot_id;
    runtime.keeper = record.keeper;
    runtime.vmm = status.vmm.value_or(posix::ProcessIdentity{});
    runtime.generation = std::max<std::int64_t>(status.generation, 1);
    runtime.started_ms = status.started_ms;
    runtime.generation_started_ms = status.generation_started_ms;
    runtime.accelerator = api::to_name(plan.accelerator);
    runtime.accelerator_reason = plan.accelerator_reason;
    runtime.vmm_version = plan.vmm_version;
    // Restored: it runs when this is durable and not before, so that its file is used once.
    const bool stands = launch.paused || launch.saved != nullptr;
    const api::Reason reason = stands                          ? api::Reason::user
                               : launch.actor == restart_actor ? api::Reason::restarted
                                                               : api::Reason::started;
    MSHV_CRASHPOINT("control.before_record");
    core_.store.write([&](store::Transaction& t) {
        t.begin_run(row.id, runtime, launch.actor);
        if (launch.saved != nullptr && launch.saved->manifest.started) {
            const auto& manifest = launch.saved->manifest;
            t.set_live_spec(row.id, {api::encode(manifest.spec), api::encode(*manifest.started)});
        }
        t.change(row.id, stands ? domain::Change::run_paused : domain::Change::run, reason,
                 launch.actor);
        if (launch.saved != nullptr && !launch.paused) {
            t.put_intent(row.id, core_.new_intent(IntentKind::restore, launch.actor,
                                                  Deadline::never(), launch.incarnation));
        } else {
            t.drop_intent(row.id);
        }
        if (launch.managed) {
            t.set_saved(row.id, "", launch.actor, "restored");
        }
    });
}

/// Leaves nothing of a start that failed: no process, no folder, no half state.
void Operations::unwind(const store::PartitionRow& row, const Launch& launch, const LivePtr& live,
                        vmm::VmmProcess* process, const std::string& why, bool cancelled) noexcept {
    MSHV_CRASHPOINT("control.before_unwind");
    core_.lives.remove(live);
    if (process != nullptr) {
        try {
            process->kill(core_.vmm_deadline());
            process->release(core_.vmm_deadline());
        } catch (const std::exception& error) {
            core_.log(Severity::warning,
                      "undoing the start of '" + row.name + "': " + error.what());
        }
    }
    auto unfinished = row;
    unfinished.intent = store::Intent{};
    unfinished.intent->incarnation = launch.incarnation;
    unfinished.intent->actor = launch.actor;
    try {
        undo_start(unfinished, api::Reason::start_failed, why,
                   launch.actor == restart_actor && !cancelled);
    } catch (const std::exception& error) {
        // The intent stays: the janitor tries again.
        core_.log(Severity::error,
                  "the failed start of '" + row.name + "' is not undone yet: " + error.what());
    }
}

void Operations::undo_start(const store::PartitionRow& row, api::Reason reason,
                            const std::string& detail, bool again) {
    core_.vmm.clean(row.uuid, row.intent->incarnation, core_.vmm_deadline());
    MSHV_CRASHPOINT("control.after_clean");
    store::RunEnd end;
    end.incarnation = row.intent->incarnation;
    end.reason = reason;
    end.detail = detail;
    end.actor = row.intent->actor;
    if (again) {
        RestartPlan next = plan_restart(core_, row, 1);
        end.restart = std::move(next.intent);
        end.detail += next.says.empty() ? "" : "; " + next.says;
    }
    const bool gone = core_.store.write([&](store::Transaction& t) {
        t.abort_start(row.id, end);
        return !t.find(row.id);
    });
    if (gone && core_.hooks.removed) {
        core_.hooks.removed(row.uuid);
    }
    if (core_.run_left) {
        core_.run_left(row.uuid);
    }
}

} // namespace mshv::control
