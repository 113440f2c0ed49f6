// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/service_impl.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"

namespace mshv::control {

ServiceImpl::ServiceImpl(const Dependencies& dependencies)
    : core_(dependencies), supervisor_(core_), admission_(core_),
      operations_(core_, supervisor_, admission_), jobs_(core_, operations_, supervisor_),
      devices_(core_, operations_), tuning_(core_, operations_), scheduling_(core_, operations_),
      guests_(core_), ladders_(core_, operations_),
      reconciler_(core_, operations_, supervisor_, ladders_), restarter_(core_, operations_),
      autostarter_(core_, operations_), sampler_(core_,
                                                 [this] {
                                                     reconciler_.chores();
                                                     scheduling_.sweep();
                                                 }),
      census_(core_), log_folders_(core_) {
    core_.changed = [this] { autostarter_.nudge(); };
    core_.devices_moved = [this](const api::Uuid& uuid, const std::string& gone) {
        if (vmm::is_vcpu(gone)) {
            core_.pool.post([this, uuid] { tuning_.vcpu_gone(uuid); });
            return;
        }
        core_.pool.post([this, uuid, gone] { devices_.settle(uuid, gone); });
    };
    core_.settings_due = [this](const api::Uuid& uuid) {
        core_.pool.post([this, uuid] {
            scheduling_.settle(uuid);
            tuning_.settle(uuid);
        });
    };
    core_.run_left = [this](const api::Uuid& uuid) { scheduling_.sweep(uuid); };
    core_.store.set_observer([this](store::Committed&& committed) {
        core_.on_commit(committed);
        for (const auto& row : committed.changed) {
            restarter_.note(row);
        }
        if (!committed.removed.empty()) {
            log_folders_.look();
        }
    });
    {
        posix::Lock lock(gate_->mutex);
        gate_->supervisor = &supervisor_;
    }
    core_.vmm.set_event_sink([gate = gate_](const api::Uuid& uuid, const std::string& incarnation,
                                            const vmm::KeeperEvent& event) {
        posix::Lock lock(gate->mutex);
        if (gate->supervisor != nullptr) {
            gate->supervisor->on_event(uuid, incarnation, event);
        }
    });
}

void ServiceImpl::start_up() {
    core_.directory.load(core_.store.load());
    core_.hub.announce(core_.store.last_seq());
    started_ = true;
    jobs_.load();
    ladders_.start();
    reconciler_.run();
    jobs_.go_on();
    MSHV_CRASHPOINT("control.after_reconcile");
    restarter_.start();
    guests_.start();
    log_folders_.look();
    sampler_.start();
    census_.start();
    if (core_.options.autostart) {
        autostarter_.start();
    }
}

void ServiceImpl::stop() {
    if (stopped_.exchange(true)) {
        return;
    }
    core_.hub.stop();
    core_.directory.stop();
    if (started_) {
        autostarter_.stop();
        restarter_.stop();
        guests_.stop();
        sampler_.stop();
        census_.stop();
        ladders_.stop();
        jobs_.stop();
        core_.locks.wait_idle();
    }
    {
        posix::Lock lock(gate_->mutex);
        gate_->supervisor = nullptr;
    }
    core_.pool.stop();
    core_.store.set_observer({});
    core_.lives.clear();
}

Service::Counts ServiceImpl::counts() const {
    Counts counts;
    counts.partitions = core_.directory.all().size();
    counts.live = core_.lives.all().size();
    counts.promised = admission_.outstanding();
    counts.last_event_seq = core_.hub.last_seq();
    counts.hypervisor = summary(*core_.census.get());
    return counts;
}

std::unique_ptr<Service> make_service(const Dependencies& dependencies) {
    return std::make_unique<ServiceImpl>(dependencies);
}

} // namespace mshv::control
