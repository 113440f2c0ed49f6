// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lifecycle/lifecycle.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/lp/grace.hpp"
#include "tests/standin/lp/shootdown.hpp"
#include "tests/standin/partition/deposited_page.hpp"
#include "tests/standin/vp/child_cpuid.hpp"
#include "tests/standin/vp/creation.hpp"
#include "tests/standin/vp/interrupt_controller.hpp"

#include <new>

namespace mshv::standin::lifecycle {
namespace {

using State = ChildPartition::State;

void detach_vps(ChildPartition& child, ChildVp** vps) {
    for (u32 index = 0; index < max_vps; ++index) {
        vps[index] = find_vp(child, index);
        if (vps[index] != nullptr) {
            vp_creation::detach(*vps[index]);
        }
    }
}

void give_back(ChildPartition& child, ChildVp* const* vps) {
    const Guard guard(child.lock);
    for (u32 index = 0; index < max_vps; ++index) {
        if (vps[index] != nullptr) {
            vp_creation::destroy(*vps[index]);
        }
    }
    vp_creation::end_stats(child.stats, child.parent);
    while (void* const page = child.cpuid_results.take_page()) {
        child.pool.put(address_of(page));
    }
    while (void* const page = child.connections.take_page()) {
        child.pool.put(address_of(page));
    }
    child.memory.put_all();
}

} // namespace

ChildPartition* create(Partition& parent, u64 flags, u32 code, Status& status) {
    void* page = nullptr;
    {
        const Guard guard(parent.lock);
        page = take_deposited(parent, code, status);
    }
    if (page == nullptr) {
        return nullptr;
    }
    auto* const child = new (page)
        ChildPartition(children::next_id(), parent, flags, interrupt_controller::interrupt);
    if (!children::add(*child)) {
        const Guard guard(parent.lock);
        parent.pool.put(address_of(page));
        status = Status::no_resources;
        return nullptr;
    }
    children::publish_counts(parent);
    Log() << "partition " << child->id << " created flags " << Hex{flags};
    return child;
}

Status initialize(ChildPartition& child) {
    const Guard guard(child.lock);
    if (child.state != State::created) {
        return Status::invalid_partition_state;
    }
    if (!child.memory.make_root()) {
        return Status::insufficient_memory;
    }
    child.privileges = privileges_of(child.synthetic_features);
    child.hints = hints_of(child.synthetic_features);
    child.state = State::initialized;
    Log() << "partition " << child.id << " initialized";
    return Status::success;
}

Status finalize(ChildPartition& child) {
    ChildVp* vps[max_vps];
    {
        const Guard guard(child.lock);
        if (child.state == State::finalized || child.state == State::deleted) {
            return Status::invalid_partition_state;
        }
        child.state = State::finalized;
        detach_vps(child, vps);
    }
    child.connections.clear();
    wait_for_others();
    flush_guests();
    give_back(child, vps);
    Log() << "partition " << child.id << " finalized";
    return Status::success;
}

/// What was deposited has to be withdrawn before: a page that is left would be nobody's.
Status remove(ChildPartition& child) {
    {
        const Guard guard(child.lock);
        const bool in_use = child.state == State::initialized || child.state == State::deleted;
        if (in_use || child.pool.held() != 0) {
            return Status::invalid_partition_state;
        }
        child.state = State::deleted;
        children::remove(child);
    }
    Log() << "partition " << child.id << " deleted deposited " << child.pool.deposited()
          << " withdrawn " << child.pool.withdrawn();
    wait_for_others();
    Partition& parent = child.parent;
    children::publish_counts(parent);
    const Guard guard(parent.lock);
    parent.pool.put(address_of(&child));
    return Status::success;
}

} // namespace mshv::standin::lifecycle
