// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/service_impl.hpp"

#include "daemon/control/preparation.hpp"
#include "daemon/control/sleeping.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <chrono>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using domain::Verb;
using std::chrono::milliseconds;
using store::IntentKind;

} // namespace

Core::Held ServiceImpl::hold(const api::Selector& selector, Verb verb, const Actor& actor,
                             Deadline wait_busy) {
    auto held =
        core_.hold(*core_.resolve(selector), domain::rule_of(verb).name, actor.name, wait_busy);
    require(verb, held.row);
    return held;
}

api::PartitionView ServiceImpl::create(const api::CreateRequest& request, const Actor& actor,
                                       Deadline wait_busy) {
    return request.mode == api::CreateMode::define
               ? operations_.define(request, actor.name, wait_busy)
               : operations_.create(request, actor.name, wait_busy);
}

api::PartitionView ServiceImpl::undefine(const api::Selector& selector,
                                         std::optional<std::int64_t> revision, const Actor& actor,
                                         Deadline wait_busy) {
    const Core::Held held = hold(selector, Verb::undefine, actor, wait_busy);
    const auto& row = held.row;
    refuse_removal(row, revision);
    if (row.state == api::State::shutoff && !row.persistent) {
        throw Error(ErrorCode::wrong_state, "Partition '" + row.name + "' is transient");
    }
    MSHV_CRASHPOINT("control.before_undefine");
    const bool removed = core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (now && now->runtime) {
            t.make_transient(row.id, actor.name);
            return false;
        }
        t.remove(row.id, "partition.undefined", actor.name);
        return true;
    });
    MSHV_CRASHPOINT("control.after_undefine");
    if (!removed) {
        return core_.view(row.uuid);
    }
    if (core_.hooks.removed) {
        core_.hooks.removed(row.uuid);
    }
    return to_view(row);
}

api::PartitionView ServiceImpl::start(const api::Selector& selector,
                                      const api::StartRequest& request, const Actor& actor,
                                      Deadline wait_busy) {
    Operations::StartOptions options{request.paused,
                                     Deadline::after(milliseconds(request.timeout_ms)), wait_busy};
    options.force = request.force;
    options.discard_saved = request.discard_saved;
    return operations_.start(core_.resolve(selector), options, actor.name);
}

void ServiceImpl::begin_ladder(const store::PartitionRow& row, IntentKind kind,
                               const api::ShutdownPolicy& policy, const Actor& actor) {
    if (row.intent && row.intent->kind == IntentKind::destroy) {
        throw Error(ErrorCode::wrong_state, "Partition '" + row.name + "' is being destroyed");
    }
    store::Intent intent;
    intent.kind = kind;
    intent.actor = actor.name;
    intent.started_ms = core_.clock.wall_ms();
    intent.started_boot = core_.clock.boot_ms();
    intent.deadline_boot = intent.started_boot + std::int64_t{policy.timeout_s} * 1000;
    intent.incarnation = row.runtime->incarnation;
    intent.methods = policy.methods;
    intent.resend_s = policy.resend_s;
    intent.escalate = policy.escalate;
    MSHV_CRASHPOINT("control.before_shutdown_intent");
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (!now || !now->runtime || now->runtime->incarnation != intent.incarnation) {
            return; // it ended by itself in this very moment: so be it
        }
        t.change(row.id, domain::Change::stop, api::Reason::user, actor.name,
                 std::string(api::to_name(kind)));
        t.put_intent(row.id, intent);
    });
    MSHV_CRASHPOINT("control.after_shutdown_intent");
    ladders_.climb(row.uuid);
}

/// What waits to be started again has no guest to ask: it is not started, and that is all.
std::optional<api::PartitionView>
ServiceImpl::stop_restart(const api::Selector& selector, const Actor& actor, Deadline wait_busy) {
    const auto entry = core_.resolve(selector);
    if (!awaits_restart(entry->row)) {
        return std::nullopt;
    }
    const auto guard = core_.lock(entry->row, "shutdown", actor.name, wait_busy);
    const auto now = core_.directory.find(entry->row.uuid);
    if (!now ||
        !operations_.cancel_restart(now->row, domain::Change::end, api::Reason::user, actor.name,
                                    "it had ended and waited to be started again")) {
        return std::nullopt; // it was faster
    }
    const auto after = core_.directory.find(entry->row.uuid);
    api::PartitionView view = to_view(entry->row);
    view.state = api::State::shutoff;
    return after ? core_.view(*after) : view;
}

api::PartitionView ServiceImpl::shutdown(const api::Selector& selector,
                                         const api::ShutdownRequest& request, const Actor& actor,
                                         Deadline wait_busy) {
    if (const auto view = stop_restart(selector, actor, wait_busy)) {
        return *view;
    }
    const Core::Held held = hold(selector, Verb::shutdown, actor, wait_busy);
    api::ShutdownPolicy policy = core_.definition(held.row).spec.shutdown;
    policy.methods = request.methods.empty() ? policy.methods : request.methods;
    policy.timeout_s = request.timeout_s.value_or(policy.timeout_s);
    policy.escalate = request.escalate.value_or(policy.escalate);
    wake_to_hear(core_, held.row, actor.name, "shutdown");
    begin_ladder(held.row, IntentKind::shutdown, policy, actor);
    const auto after = core_.directory.find(held.row.uuid);
    return after ? core_.view(*after) : to_view(held.row);
}

api::PartitionView ServiceImpl::reboot(const api::Selector& selector,
                                       const api::ShutdownRequest& request, const Actor& actor,
                                       Deadline wait_busy) {
    const Core::Held held = hold(selector, Verb::reboot, actor, wait_busy);
    const api::PartitionSpec spec = core_.definition(held.row).spec;
    // The channel is there or not since the start.
    const bool channel = (held.row.runtime && held.row.runtime->revision > 0
                              ? core_.definition(held.row, held.row.runtime->revision).spec
                              : spec)
                             .devices.agent_channel;
    api::ShutdownPolicy policy = spec.shutdown;
    policy.timeout_s = request.timeout_s.value_or(policy.timeout_s);
    policy.escalate = request.escalate.value_or(policy.escalate);
    policy.methods = {api::ShutdownMethod::agent}; // ACPI has no button for it
    const auto process = core_.process_of(held.row);
    wake_to_hear(core_, held.row, actor.name, "reboot");
    bool agent = false;
    try {
        agent = channel && process->agent_connected(core_.vmm_deadline());
    } catch (const Error&) {
        agent = false;
    }
    if (agent) {
        begin_ladder(held.row, IntentKind::reboot, policy, actor);
    } else if (policy.escalate == api::Escalate::destroy && held.row.state == api::State::running) {
        process->reset(core_.vmm_deadline());
    } else {
        throw Error(ErrorCode::unsupported,
                    "No guest agent answers in '" + held.row.name +
                        "', and ACPI cannot ask for a reboot",
                    "reset it, or shut it down and start it");
    }
    const auto after = core_.directory.find(held.row.uuid);
    return after ? core_.view(*after) : to_view(held.row);
}

api::PartitionView ServiceImpl::reset(const api::Selector& selector, const Actor& actor,
                                      Deadline wait_busy) {
    const Core::Held held = hold(selector, Verb::reset, actor, wait_busy);
    const auto process = core_.process_of(held.row);
    core_.store.write(
        [&](store::Transaction& t) { t.event("partition.reset", held.row.id, actor.name, ""); });
    MSHV_CRASHPOINT("control.before_reset");
    const Deadline deadline = core_.vmm_deadline();
    process->reset(deadline);
    // The keeper answers when the new VMM exists; done means that its VPs run, or that it failed.
    const auto before = held.row.runtime ? held.row.runtime->generation : 0;
    const auto after =
        core_.directory.await(held.row.uuid, deadline, [&](const store::PartitionRow& row) {
            const bool replaced = !row.runtime || row.runtime->generation > before;
            return replaced && row.state != api::State::restarting;
        });
    return after ? core_.view(*after) : to_view(held.row);
}

api::PartitionView ServiceImpl::note_host_shutdown(const api::Selector& selector,
                                                   const api::HostShutdownRequest& request,
                                                   const Actor& actor) {
    constexpr std::size_t longest_note = 1024;
    // Not under the operation's lock: it says what is true whoever works on the partition.
    const auto entry = core_.resolve(selector);
    const std::string detail = request.detail.substr(0, longest_note);
    MSHV_CRASHPOINT("control.before_host_note");
    core_.store.write([&](store::Transaction& t) {
        t.note_host_shutdown(entry->row.id, request.outcome, actor.name, detail);
    });
    MSHV_CRASHPOINT("control.after_host_note");
    return core_.view(entry->row.uuid);
}

api::PartitionView ServiceImpl::destroy(const api::Selector& selector,
                                        const api::DestroyRequest& request, const Actor& actor,
                                        Deadline wait_busy) {
    return operations_.destroy(core_.resolve(selector), request, actor.name, wait_busy);
}

/// The state follows from what the keeper reports, in its order, and from nothing else: a change
/// recorded beside the reports could be undone by an older one that is still on its way.
api::PartitionView ServiceImpl::turn(const store::PartitionRow& row, const Actor& actor, Turn how) {
    const auto process = core_.process_of(row);
    if (const LivePtr live = core_.lives.find(row.uuid)) {
        posix::Lock lock(live->mutex);
        live->asked_by = actor.name;
    }
    const Deadline deadline = core_.vmm_deadline();
    const std::int64_t told = ((*process).*how)(deadline);
    MSHV_CRASHPOINT("control.after_turn");
    if (!core_.await_recorded(row.uuid, row.runtime->incarnation, told, deadline)) {
        throw Error(ErrorCode::timeout,
                    "What was asked of '" + row.name + "' was done, but is not recorded yet");
    }
    const auto after = core_.directory.find(row.uuid);
    return after ? core_.view(*after) : to_view(row);
}

api::PartitionView ServiceImpl::pause(const api::Selector& selector, const Actor& actor,
                                      Deadline wait_busy) {
    const Core::Held held = hold(selector, Verb::pause, actor, wait_busy);
    refuse_asleep(held.row, "be paused");
    return turn(held.row, actor, &vmm::VmmProcess::pause);
}

api::PartitionView ServiceImpl::unpause(const api::Selector& selector, const Actor& actor,
                                        Deadline wait_busy) {
    const Core::Held held = hold(selector, Verb::unpause, actor, wait_busy);
    return turn(held.row, actor, &vmm::VmmProcess::resume);
}

void ServiceImpl::trigger(const api::Selector& selector, const api::TriggerRequest& request,
                          const Actor& actor, Deadline wait_busy) {
    if (request.trigger == api::Trigger::reset) {
        reset(selector, actor, wait_busy);
        return;
    }
    const Core::Held held = hold(selector, Verb::trigger, actor, wait_busy);
    const auto process = core_.process_of(held.row);
    switch (request.trigger) {
    case api::Trigger::nmi:
        process->inject_nmi(core_.vmm_deadline());
        break;
    case api::Trigger::power:
        process->powerdown(core_.vmm_deadline());
        break;
    case api::Trigger::sleep:
        process->sleep_button(core_.vmm_deadline());
        break;
    case api::Trigger::s3resume:
        process->wakeup(core_.vmm_deadline());
        break;
    case api::Trigger::reset:
        break;
    }
    core_.store.write([&](store::Transaction& t) {
        t.event("partition.trigger", held.row.id, actor.name,
                std::string(api::to_name(request.trigger)));
    });
}

api::PartitionView ServiceImpl::rename(const api::Selector& selector,
                                       const api::RenameRequest& request, const Actor& actor,
                                       Deadline wait_busy) {
    if (const auto why = api::why_bad_name(request.name)) {
        throw Error(ErrorCode::invalid,
                    "'" + request.name + "' is no name for a partition: " + *why);
    }
    const Core::Held held = hold(selector, Verb::rename, actor, wait_busy);
    api::PartitionSpec spec = core_.definition(held.row).spec;
    spec.name = request.name;
    const std::string text = api::encode(spec);
    core_.store.write(
        [&](store::Transaction& t) { t.rename(held.row.id, request.name, text, actor.name); });
    return core_.view(held.row.uuid);
}

api::PartitionView ServiceImpl::set_autostart(const api::Selector& selector,
                                              const api::AutostartRequest& request,
                                              const Actor& actor, Deadline wait_busy) {
    const Core::Held held = hold(selector, Verb::set_autostart, actor, wait_busy);
    if (!held.row.persistent) {
        throw Error(ErrorCode::wrong_state,
                    "Partition '" + held.row.name + "' is transient: it has no autostart",
                    "define it");
    }
    api::PartitionSpec spec = core_.definition(held.row).spec;
    spec.autostart.enabled = request.enabled;
    spec.autostart.order = request.order.value_or(spec.autostart.order);
    spec.autostart.delay_s = request.delay_s.value_or(spec.autostart.delay_s);
    const std::string text = api::encode(spec);
    core_.store.write([&](store::Transaction& t) {
        t.set_autostart(held.row.id, request.enabled, spec.autostart.order, text, actor.name);
    });
    return core_.view(held.row.uuid);
}

api::JobView ServiceImpl::save(const api::Selector& selector, const api::SaveRequest& request,
                               const Actor& actor, Deadline wait_busy) {
    const auto entry = core_.resolve(selector);
    guests_.refuse_frozen(entry->row);
    refuse_asleep(entry->row, "be saved");
    return jobs_.save(entry, request, actor.name, wait_busy);
}

api::JobView ServiceImpl::dump(const api::Selector& selector, const api::DumpRequest& request,
                               const Actor& actor, Deadline wait_busy) {
    return jobs_.dump(core_.resolve(selector), request, actor.name, wait_busy);
}

api::JobView ServiceImpl::restore(const api::RestoreRequest& request, const Actor& actor,
                                  Deadline wait_busy) {
    return jobs_.restore(request, actor.name, wait_busy);
}

api::PartitionView ServiceImpl::drop_saved(const api::Selector& selector, const Actor& actor,
                                           Deadline wait_busy) {
    return operations_.drop_saved(core_.resolve(selector), actor.name, wait_busy);
}

api::JobView ServiceImpl::cancel_job(std::int64_t id, const Actor& actor) {
    core_.log(Severity::info, actor.name + " cancels job " + std::to_string(id));
    return jobs_.cancel(id);
}

api::PartitionView ServiceImpl::attach_disk(const api::Selector& selector,
                                            const api::AttachDiskRequest& request,
                                            const Actor& actor, Deadline wait_busy) {
    return devices_.attach(
        core_.resolve(selector), request.disk,
        {request.live, request.config, request.timeout_ms, actor.name, wait_busy});
}

api::PartitionView ServiceImpl::detach_disk(const api::Selector& selector,
                                            const api::DetachDiskRequest& request,
                                            const Actor& actor, Deadline wait_busy) {
    return devices_.detach(
        core_.resolve(selector), DeviceClass::disk, request.target,
        {request.live, request.config, request.timeout_ms, actor.name, wait_busy});
}

api::PartitionView ServiceImpl::resize_disk(const api::Selector& selector,
                                            const api::ResizeDiskRequest& request,
                                            const Actor& actor, Deadline wait_busy) {
    return devices_.resize(core_.resolve(selector), request, actor.name, wait_busy);
}

api::PartitionView ServiceImpl::change_medium(const api::Selector& selector,
                                              const api::ChangeMediumRequest& request,
                                              const Actor& actor, Deadline wait_busy) {
    return devices_.change_medium(core_.resolve(selector), request, actor.name, wait_busy);
}

api::PartitionView ServiceImpl::set_disk_limits(const api::Selector& selector,
                                                const api::SetDiskLimitsRequest& request,
                                                const Actor& actor, Deadline wait_busy) {
    return tuning_.set_disk_limits(core_.resolve(selector), request, actor.name, wait_busy);
}

api::PartitionView ServiceImpl::set_memory(const api::Selector& selector,
                                           const api::SetMemoryRequest& request, const Actor& actor,
                                           Deadline wait_busy) {
    return tuning_.set_memory(core_.resolve(selector), request, actor.name, wait_busy);
}

api::PartitionView ServiceImpl::pin_vcpu(const api::Selector& selector,
                                         const api::PinVcpuRequest& request, const Actor& actor,
                                         Deadline wait_busy) {
    return tuning_.pin_vcpu(core_.resolve(selector), request, actor.name, wait_busy);
}

api::PartitionView ServiceImpl::set_vcpus(const api::Selector& selector,
                                          const api::SetVcpusRequest& request, const Actor& actor,
                                          Deadline wait_busy) {
    return tuning_.set_vcpus(core_.resolve(selector), request, actor.name, wait_busy);
}

api::PartitionView ServiceImpl::attach_nic(const api::Selector& selector,
                                           const api::AttachNicRequest& request, const Actor& actor,
                                           Deadline wait_busy) {
    return devices_.attach(
        core_.resolve(selector), request.interface,
        {request.live, request.config, request.timeout_ms, actor.name, wait_busy});
}

api::PartitionView ServiceImpl::detach_nic(const api::Selector& selector,
                                           const api::DetachNicRequest& request, const Actor& actor,
                                           Deadline wait_busy) {
    return devices_.detach(
        core_.resolve(selector), DeviceClass::interface, request.target,
        {request.live, request.config, request.timeout_ms, actor.name, wait_busy});
}

api::PartitionView ServiceImpl::set_link(const api::Selector& selector,
                                         const api::SetLinkRequest& request, const Actor& actor,
                                         Deadline wait_busy) {
    return devices_.set_link(
        core_.resolve(selector), request.target, request.up,
        {request.live, request.config, request.timeout_ms, actor.name, wait_busy});
}

void ServiceImpl::attach_console(const api::Selector& selector, posix::Fd client,
                                 const vmm::ConsoleRequest& request, const Actor& actor,
                                 Deadline deadline) {
    const auto entry = core_.resolve(selector);
    require(Verb::console, entry->row);
    core_.log(Severity::info, actor.name + " attaches to the console of '" + entry->row.name + "'");
    core_.process_of(entry->row)->attach_console(std::move(client), request, deadline);
}

} // namespace mshv::control
