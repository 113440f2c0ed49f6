// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/operations.hpp"
#include "daemon/control/preparation.hpp"
#include "daemon/control/saved_checks.hpp"
#include "daemon/control/saver.hpp"
#include "daemon/vmm/disk_identity.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

// Partitions whose state comes from a file.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using std::chrono::milliseconds;
using store::IntentKind;
using vmm::Transfer;

} // namespace

SavedImage Operations::open_managed(const store::PartitionRow& row, Launch& launch,
                                    const StartOptions& options) {
    try {
        SavedImage image = open_saved(row.saved);
        refuse_unusable(image);
        take_definition(image, launch.spec);
        check_saved(core_, image, row.id, options.force, at_first);
        launch.spec = image.manifest.spec;
        check_stream(image, [&](std::uint64_t, std::uint64_t) {
            if (options.deadline.expired()) {
                throw Error(ErrorCode::timeout,
                            "The saved state of '" + row.name +
                                "' could not be checked in the time allowed",
                            "give a longer --timeout");
            }
        });
        return image;
    } catch (const Error& error) {
        Error told(error.code(), error.message(),
                   error.hint() + (error.hint().empty() ? "" : "; or ") +
                       "mshvctl start --discard-saved boots it");
        throw told;
    }
}

void claim_macs(store::Transaction& t, store::PartitionNumber id, const SavedImage* image) {
    if (image == nullptr || !image->manifest.started) {
        return;
    }
    for (const auto& nic : image->manifest.spec.devices.nics) {
        t.claim_mac(id, nic.mac);
    }
}

Operations::Restore Operations::prepare_restore(const api::RestoreRequest& request,
                                                const std::string& actor, Deadline wait_busy) {
    if (request.path.empty() || request.path.front() != '/') {
        throw Error(ErrorCode::invalid, "'" + request.path + "' is no absolute path of a file");
    }
    SavedImage image = open_saved(request.path);
    const auto& spec = image.manifest.spec;
    refuse_unusable(image);
    const std::string incarnation = random_incarnation();
    auto guard = core_.locks.acquire(*spec.uuid, spec.name,
                                     api::OperationView{"restore", actor, core_.clock.wall_ms()},
                                     wait_busy, incarnation);
    const auto entry = core_.directory.find(*spec.uuid);
    check_place(core_, image, entry, at_first);
    const auto planned = plan_request(image.manifest, 0, incarnation);
    refuse_when_invalid(core_.objections(planned.spec), spec.name);
    check_saved(core_, image, entry ? entry->row.id : 0, request.force, at_first);
    return {std::move(image), entry,   std::move(guard),
            incarnation,      request, Deadline::after(milliseconds(request.timeout_ms))};
}

void Operations::restore(const Restore& restore, const std::string& actor, JobLine& line) {
    const auto& request = restore.request;
    line.at(api::JobPhase::checking);
    check_stream(restore.image, [&](std::uint64_t done, std::uint64_t total) {
        line.progress(done, total);
        line.look();
    });
    Launch launch{restore.image.manifest.spec, restore.incarnation, request.paused,
                  restore.deadline, actor};
    launch.saved = &restore.image;
    launch.line = &line;
    launch.disks = vmm::disk_claims(launch.spec);
    MSHV_CRASHPOINT("restore.before_intent");
    const auto row = core_.store.write([&](store::Transaction& t) {
        const bool there = restore.entry != nullptr;
        const auto id = there ? restore.entry->row.id
                              : t.insert(make_definition(launch.spec, ""), false, actor).id;
        if (!t.change(id, domain::Change::start, api::Reason::user, actor, restore.image.path)) {
            throw Error(ErrorCode::wrong_state,
                        "Partition '" + launch.spec.name + "' changed meanwhile");
        }
        t.put_intent(id, core_.new_intent(there ? IntentKind::start : IntentKind::create, actor,
                                          restore.deadline, launch.incarnation));
        t.claim_disks(id, launch.disks);
        claim_macs(t, id, launch.saved);
        return t.find(id).value();
    });
    this->launch(row, launch, restore.guard);
}

/// Returns when the VMM has all of the state; its VPs stand still.
void Operations::load(const store::PartitionRow& row, const Launch& launch,
                      vmm::VmmProcess& process, const OperationLocks::Guard& guard) {
    const SavedImage& image = *launch.saved;
    JobLine& line = *launch.line;
    line.at(api::JobPhase::loading);
    process.load_from(image.fd, static_cast<std::int64_t>(image.offset), launch.deadline);
    MSHV_CRASHPOINT("restore.after_load_begin");
    for (;;) {
        const Transfer transfer = process.transfer(core_.vmm_deadline());
        if (transfer.state == Transfer::State::completed) {
            break;
        }
        if (transfer.state == Transfer::State::failed ||
            transfer.state == Transfer::State::cancelled) {
            throw Error(ErrorCode::failed,
                        "The VMM could not load the state of '" + row.name + "': " + transfer.why);
        }
        if (guard.cancelled()) {
            throw Error(ErrorCode::failed,
                        "The restore of '" + row.name + "' was given up: it is destroyed");
        }
        if (launch.deadline.expired()) {
            throw Error(ErrorCode::timeout,
                        "The state of '" + row.name + "' was not loaded in the time allowed",
                        "give a longer --timeout");
        }
        // The VMM reads by the same open file: where that stands is how far it is.
        const off_t at = ::lseek(image.fd.get(), 0, SEEK_CUR);
        if (at > static_cast<off_t>(image.offset)) {
            line.progress(static_cast<std::uint64_t>(at) - image.offset,
                          image.manifest.stream_size);
        }
        line.look_after(look_interval);
    }
    line.commit();
    MSHV_CRASHPOINT("restore.after_load");
}

void Operations::finish_restore(const api::Uuid& uuid) {
    const auto entry = core_.directory.find(uuid);
    const LivePtr live = core_.lives.find(uuid);
    const auto process = live ? live->get_process() : nullptr;
    if (!entry || !process || !entry->row.intent ||
        entry->row.intent->kind != IntentKind::restore) {
        return;
    }
    const auto& row = entry->row;
    {
        posix::Lock lock(live->mutex);
        live->asked_by = row.intent->actor;
    }
    const Deadline deadline = core_.vmm_deadline();
    MSHV_CRASHPOINT("restore.before_resume");
    const std::int64_t told = process->resume(deadline);
    MSHV_CRASHPOINT("restore.after_resume");
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (now && now->intent == row.intent) {
            t.drop_intent(row.id);
        }
    });
    if (row.saved.empty()) {
        ::unlink(managed_path(core_, uuid).c_str()); // it was that, or there is none
    }
    core_.await_recorded(uuid, live->incarnation, told, deadline);
    if (core_.settings_due) {
        core_.settings_due(uuid);
    }
}

api::PartitionView Operations::drop_saved(const Directory::EntryPtr& entry,
                                          const std::string& actor, Deadline wait_busy) {
    const auto guard = core_.lock(entry->row, "managed-save-remove", actor, wait_busy);
    const auto now = core_.directory.find(entry->row.uuid);
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + entry->row.name + "' is gone");
    }
    require(domain::Verb::drop_saved, now->row);
    if (now->row.saved.empty()) {
        throw Error(ErrorCode::wrong_state, "Partition '" + now->row.name + "' has no saved state");
    }
    MSHV_CRASHPOINT("restore.before_drop_saved");
    core_.store.write(
        [&](store::Transaction& t) { t.set_saved(now->row.id, "", actor, "removed"); });
    MSHV_CRASHPOINT("restore.after_drop_saved");
    ::unlink(now->row.saved.c_str());
    return core_.view(now->row.uuid);
}

} // namespace mshv::control
