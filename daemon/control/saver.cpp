// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/saver.hpp"

#include "daemon/domain/same_device.hpp"
#include "daemon/vmm/vcpu_plug.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/folder.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <sys/stat.h>
#include <unistd.h>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using vmm::Transfer;

/// A guest that writes faster than the file does is stopped after so many passes over its memory.
constexpr std::int64_t most_passes = 20;
constexpr std::chrono::seconds kill_time{30};

/// Removes a file that this job made, and no other's.
void remove_own(const std::string& path, const std::string& token) {
    if (find_own(path, token)) {
        MSHV_CRASHPOINT("save.before_unlink");
        ::unlink(path.c_str());
        MSHV_CRASHPOINT("save.after_unlink");
    }
}

/// How many of `after` are not in `before`; tells the alias of each.
template <typename Device>
std::size_t came_to(
    const std::vector<Device>& before, const std::vector<Device>& after,
    const std::function<void(const std::string&)>& tell = [](const std::string&) {}) {
    std::size_t came = 0;
    for (const auto& device : after) {
        if (std::none_of(before.begin(), before.end(),
                         [&](const Device& each) { return domain::is_same(each, device); })) {
            ++came;
            tell(device.alias);
        }
    }
    return came;
}

/// Devices have come or gone since the start: the machine is that of the start, with these changes.
void add_places(Core& core, const store::PartitionRow& row, vmm::VmmProcess& process,
                api::SaveManifest& manifest) {
    manifest.started = core.started_spec(row);
    const auto& before = manifest.started->devices;
    const auto& after = manifest.spec.devices;
    const auto came = came_to(before.disks, after.disks) + came_to(before.nics, after.nics);
    const auto went = came_to(after.disks, before.disks) + came_to(after.nics, before.nics);
    if (came + went > 0 && manifest.spec.boot.machine != api::Machine::q35) {
        throw Error(ErrorCode::unsupported,
                    "Devices of '" + row.name +
                        "' have come or gone since its start, and where they stand is not fixed "
                        "on the machine " +
                        std::string(api::to_name(manifest.spec.boot.machine)),
                    "it can be saved after its next start, or on the machine q35");
    }
    const auto buses = process.device_buses(core.vmm_deadline());
    const auto place = [&](const std::string& alias) {
        const auto found = buses.find(alias);
        if (found == buses.end()) {
            throw Error(ErrorCode::failed, "The VMM of '" + row.name + "' has no device " + alias);
        }
        manifest.places.push_back({alias, found->second});
    };
    came_to(before.disks, after.disks, place);
    came_to(before.nics, after.nics, place);
}

/// A state with a processor that goes meanwhile could not be restored.
void refuse_leaving(const store::PartitionRow& row, const api::PartitionSpec& spec,
                    vmm::VmmProcess& process, Deadline deadline) {
    auto* const plug =
        spec.boot.machine == api::Machine::microvm ? nullptr : vmm::vcpu_plug_of(process);
    if (plug == nullptr) {
        return;
    }
    const auto has = plug->vcpu_count(deadline);
    if (has.present != spec.cpu.current || !has.in_order) {
        throw Error(ErrorCode::wrong_state,
                    "The guest of '" + row.name +
                        "' has not let go of a virtual processor yet, or has of another one",
                    "vcpu-list shows which are there; it can be saved after its next start");
    }
}

} // namespace

vmm::PlanRequest plan_request(const api::SaveManifest& manifest, api::PartitionNumber id,
                              const std::string& incarnation) {
    vmm::PlanRequest request{manifest.started.value_or(manifest.spec), id, incarnation, true};
    request.machine = manifest.machine;
    // What chose by itself then must choose the same now.
    request.spec.accelerator = api::from_name<api::Accelerator>(manifest.accelerator)
                                   .value_or(api::Accelerator::automatic);
    if (manifest.started) {
        request.live = vmm::LiveDevices{manifest.spec, {}};
        for (const auto& place : manifest.places) {
            request.live->buses[place.alias] = place.bus;
        }
    }
    return request;
}

std::string managed_path(const Core& core, const api::Uuid& uuid) {
    return core.dirs.state_dir + "/saved/" + api::to_string(uuid) + ".save";
}

std::vector<std::string> cpu_flags(const Core& core, api::Accelerator accelerator) {
    std::vector<std::string> flags;
    if (accelerator == api::Accelerator::tcg) {
        return flags;
    }
    constexpr std::size_t longest = 64UL * 1024 * 1024;
    const std::string info = posix::read_file(core.options.proc + "/cpuinfo", longest);
    auto at = info.find("\nflags");
    at = at == std::string::npos ? at : info.find(':', at);
    if (at == std::string::npos) {
        return flags;
    }
    const std::string line = info.substr(at + 1, info.find('\n', at + 1) - at - 1);
    for (std::size_t from = 0; from < line.size();) {
        const auto space = std::min(line.find(' ', from), line.size());
        if (space > from) {
            flags.push_back(line.substr(from, space - from));
        }
        from = space + 1;
    }
    std::sort(flags.begin(), flags.end());
    return flags;
}

api::SaveManifest Saver::prepare(Core& core, const store::PartitionRow& row,
                                 const api::SaveRequest& request, const std::string& path) {
    const bool managed = request.path.empty();
    if (managed && !row.persistent) {
        throw Error(ErrorCode::wrong_state,
                    "Partition '" + row.name + "' is transient: nothing would start it again",
                    "save it to a file");
    }
    if (managed && request.then != api::AfterSave::end) {
        throw Error(ErrorCode::usage, "A partition whose state the daemon keeps has ended");
    }
    if (!managed) {
        refuse_place(path);
    }
    const auto process = core.process_of(row);
    if (row.runtime->revision == 0) {
        throw Error(ErrorCode::unsupported,
                    "It is not known with which definition '" + row.name + "' was started",
                    "it can be saved after its next start");
    }
    if (row.changing) {
        throw Error(ErrorCode::wrong_state,
                    "The guest of '" + row.name + "' has not let go of a device yet",
                    "mshvctl block-list and network-list show which");
    }
    api::SaveManifest manifest;
    manifest.machine = process->prepare_save(core.vmm_deadline());
    manifest.spec = core.running_spec(row);
    if (core.store.live_spec(row.id)) {
        refuse_leaving(row, manifest.spec, *process, core.vmm_deadline());
        add_places(core, row, *process, manifest);
    }
    manifest.saved_ms = core.clock.wall_ms();
    manifest.token = api::to_string(api::random_uuid());
    manifest.vmm = row.runtime->vmm_version;
    manifest.accelerator = row.runtime->accelerator;
    const auto plan = plan_request(manifest, row.id, row.runtime->incarnation);
    const domain::LaunchPlan made = core.vmm.plan(plan);
    manifest.hardware = vmm::guest_visible(made);
    manifest.cpu_flags = cpu_flags(core, made.accelerator);
    for (const auto& file : made.files) {
        if (made.seed && file.path == made.seed->path) {
            continue; // it is made again, in another run folder
        }
        manifest.files.push_back(look_at(file.path, file.writable));
    }
    return manifest;
}

Watch Saver::watch() {
    return [this](std::uint64_t done, std::uint64_t total) {
        line_.progress(done, total);
        line_.look();
    };
}

/// A checkpoint lets the guest run meanwhile only where the kernel tells which memory it changes:
/// what QEMU 7.2's translator told was not all of it, and the guest died when it was restored.
bool Saver::is_live(const store::JobRow& job) const {
    const auto entry = core_.directory.find(job.uuid);
    return job.then == api::AfterSave::run && entry && entry->row.runtime &&
           entry->row.runtime->accelerator == api::to_name(api::Accelerator::kvm);
}

template <typename Steps>
void Saver::guarded(store::JobRow& job, Steps steps) {
    if (came_through(job, steps)) {
        return;
    }
    if (decided_) {
        job.message = "The state of '" + job.name + "' is in " + job.path + ", but: " + job.message;
    } else {
        line_.undo();
        undo(job);
    }
    end_job(job);
}

void Saver::run(store::JobRow& job, const api::SaveManifest& manifest) {
    guarded(job, [&] {
        if (job.managed) {
            posix::make_directories(core_.dirs.state_dir + "/saved", 0700);
            ::unlink(part_of(job.path).c_str()); // of a save that the machine's end cut off
        }
        SavedImage image = create_part(part_of(job.path), manifest);
        write(job, image);
        complete(job, image);
    });
}

/// Starts the transfer and returns when all of the state is in the file.
void Saver::write(store::JobRow& job, SavedImage& image) {
    const auto vmm = process_.must(job, "saved");
    const LivePtr live = core_.lives.find(job.uuid);
    if (live) {
        posix::Lock lock(live->mutex);
        live->asked_by = job.actor;
    }
    if (job.was_running && !is_live(job)) {
        vmm->pause(core_.vmm_deadline());
        MSHV_CRASHPOINT("save.after_pause");
    }
    core_.store.write(
        [&](store::Transaction& t) { t.set_job_phase(job.id, api::JobPhase::writing); });
    job.phase = api::JobPhase::writing;
    line_.at(job.phase);
    line_.look();
    vmm->save_to(image.fd, static_cast<std::int64_t>(image.offset), core_.vmm_deadline());
    MSHV_CRASHPOINT("save.after_begin");
    watch_transfer(job);
}

void Saver::watch_transfer(const store::JobRow& job) {
    bool stopped = !job.was_running || !is_live(job);
    for (;;) {
        const auto vmm = process_.must(job, "saved");
        const Transfer transfer = vmm->transfer(core_.vmm_deadline());
        line_.progress(static_cast<std::uint64_t>(transfer.done),
                       static_cast<std::uint64_t>(transfer.total));
        switch (transfer.state) {
        case Transfer::State::completed:
            return;
        case Transfer::State::active:
            break;
        case Transfer::State::cancelled:
            throw JobLine::Cancelled{};
        default: {
            const bool full = transfer.why.find("No space left") != std::string::npos;
            throw Error(full ? ErrorCode::no_resource : ErrorCode::failed,
                        "The state of '" + job.name + "' could not be written to " +
                            part_of(job.path) + (transfer.why.empty() ? "" : ": " + transfer.why),
                        "is there room in the file system of " + job.path + "?");
        }
        }
        if (!stopped && transfer.passes > most_passes) {
            vmm->pause(core_.vmm_deadline());
            stopped = true;
        }
        line_.look_after(look_interval);
    }
}

/// From a state that is in the file to the end of the job.
void Saver::complete(store::JobRow& job, SavedImage& image) {
    line_.at(api::JobPhase::checking);
    for (auto& file : image.manifest.files) {
        file = look_at(file.path, file.writable); // nothing writes to them now
    }
    seal(image, watch());
    line_.commit();
    give_name(part_of(job.path), job.path, job.managed ? Existing::replace : Existing::refuse);
    after(job);
}

/// The file has its name.
void Saver::after(store::JobRow& job) {
    if (job.then == api::AfterSave::end) {
        core_.store.write([&](store::Transaction& t) {
            const auto row = t.find(job.uuid);
            t.set_job_phase(job.id, api::JobPhase::ending);
            if (!row || !row->runtime || row->runtime->incarnation != job.incarnation) {
                throw Error(ErrorCode::wrong_state, // and may run again from its disks
                            "'" + job.name + "' ended while it was being saved");
            }
            t.change(row->id, domain::Change::stop, api::Reason::saved, job.actor, job.path);
            t.put_intent(row->id, core_.new_intent(store::IntentKind::save, job.actor,
                                                   Deadline::never(), job.incarnation));
            if (job.managed) {
                t.set_saved(row->id, job.path, job.actor, job.path);
            }
        });
        decided_ = true;
        MSHV_CRASHPOINT("save.after_decided");
        end_guest(job);
    } else if (job.then == api::AfterSave::run && job.was_running) {
        decided_ = true;
        let_run(job, *process_.must(job, "saved"));
        MSHV_CRASHPOINT("save.after_resume");
    }
    job.state = api::JobState::done;
    end_job(job);
}

/// Nothing of the guest that is in the file may run any more.
void Saver::end_guest(store::JobRow& job) {
    const auto vmm = process_.find(job);
    if (!vmm) {
        return;
    }
    const LivePtr live = core_.lives.find(job.uuid);
    try {
        // Whatever happens to the VMM now, its keeper shall not start another.
        vmm->expect(vmm::VmmProcess::Expected::shutdown, core_.vmm_deadline());
        vmm->kill(Deadline::after(kill_time));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::wrong_state) {
            throw;
        }
    }
    MSHV_CRASHPOINT("save.after_kill");
    store::RunEnd end;
    end.incarnation = job.incarnation;
    end.reason = api::Reason::saved;
    end.detail = job.path;
    end.actor = job.actor;
    const auto [ended, gone] = core_.store.write([&](store::Transaction& t) {
        const auto row = t.find(job.uuid);
        const bool ours = row && t.end_run(row->id, end);
        return std::pair(ours, !t.find(job.uuid));
    });
    if (ended && live) {
        supervisor_.let_go(live);
    }
    if (ended && gone && core_.hooks.removed) {
        core_.hooks.removed(job.uuid);
    }
}

void Saver::end_job(store::JobRow& job) {
    job.phase = job.state == api::JobState::done ? api::JobPhase::ending : job.phase;
    job.ended_ms = core_.clock.wall_ms();
    MSHV_CRASHPOINT("save.before_job_end");
    core_.store.write([&](store::Transaction& t) { t.end_job(job); });
    MSHV_CRASHPOINT("save.after_job_end");
}

void Saver::stop_transfer(vmm::VmmProcess& process) {
    bool asked = false;
    for (;;) {
        const Transfer transfer = process.transfer(core_.vmm_deadline());
        if (transfer.state != Transfer::State::active) {
            return;
        }
        if (!asked) {
            process.cancel_transfer(core_.vmm_deadline());
            asked = true;
        }
        line_.look_after(look_interval);
    }
}

/// Who reads that the job has ended finds the partition running.
void Saver::let_run(const store::JobRow& job, vmm::VmmProcess& process) {
    const Deadline deadline = core_.vmm_deadline();
    const std::int64_t told = process.resume(deadline);
    try {
        core_.await_recorded(job.uuid, job.incarnation, told, deadline);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unreachable) {
            throw;
        }
        // This daemon ends: whoever asks next asks another.
    }
}

/// The guest goes on, and there is no file. Throws JobLine::Detached.
void Saver::undo(store::JobRow& job) {
    try {
        MSHV_CRASHPOINT("save.before_undo");
        if (const auto vmm = process_.find(job)) {
            stop_transfer(*vmm);
            if (job.was_running) {
                let_run(job, *vmm);
            }
        }
    } catch (const std::exception& error) {
        core_.log(Severity::warning, "undoing the save of '" + job.name + "': " + error.what());
    }
    remove_own(part_of(job.path), job.token);
    remove_own(job.path, job.token);
}

void Saver::adopt_file(store::JobRow& job) {
    // The guest is gone without having been ended as saved: with the machine, or its VMM died. A
    // file that is whole is then all that is left of it.
    auto part = find_own(part_of(job.path), job.token);
    if (part && is_whole(*part)) {
        check_stream(*part, watch());
        give_name(part_of(job.path), job.path, job.managed ? Existing::replace : Existing::refuse);
    }
    const auto whole = find_own(job.path, job.token);
    if (!whole || !is_whole(*whole)) {
        throw Error(ErrorCode::failed, "'" + job.name + "' ended while it was being saved");
    }
    line_.commit();
    if (job.managed) {
        core_.store.write([&](store::Transaction& t) {
            if (const auto row = t.find(job.uuid); row && !row->runtime && row->saved.empty()) {
                t.set_saved(row->id, job.path, job.actor, job.path);
            }
        });
    }
    job.state = api::JobState::done;
    end_job(job);
}

void Saver::go_on(store::JobRow& job) {
    guarded(job, [&] {
        if (job.phase == api::JobPhase::ending) {
            line_.commit();
            decided_ = true;
            if (process_.await(job)) {
                end_guest(job);
            }
            job.state = api::JobState::done;
            end_job(job);
            return;
        }
        if (!process_.await(job)) {
            adopt_file(job);
            return;
        }
        if (find_own(job.path, job.token)) {
            line_.commit();
            after(job);
            return;
        }
        auto image = find_own(part_of(job.path), job.token);
        const auto transfer = process_.must(job, "saved")->transfer(core_.vmm_deadline());
        struct stat info {};
        const bool begun = image && job.phase == api::JobPhase::writing &&
                           transfer.state != Transfer::State::none &&
                           ::fstat(image->fd.get(), &info) == 0 &&
                           (transfer.state == Transfer::State::active ||
                            static_cast<std::uint64_t>(info.st_size) > image->offset);
        if (!begun) {
            throw Error(ErrorCode::failed, "mshvd ended before the save had begun");
        }
        watch_transfer(job);
        complete(job, *image);
    });
}

} // namespace mshv::control
