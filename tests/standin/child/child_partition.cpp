// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/child/child_partition.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/partition/statistics.hpp"

namespace mshv::standin {
namespace {

/// Of its pool; its lock is held.
void* take_page(void* partition) {
    return static_cast<Partition*>(partition)->pool.take();
}
void put_page(void* partition, void* page) {
    static_cast<Partition*>(partition)->pool.put(address_of(page));
}

} // namespace

ChildPartition::ChildPartition(u64 number, Partition& parent_partition, u64 creation_flags,
                               Interrupt how)
    : Partition(number, privilege::none, {take_page, put_page, this}, how),
      parent(parent_partition), flags(creation_flags), time(clock::now()) {}

namespace children {
namespace {

Spinlock lock;
ChildPartition* all[most];
u64 last_id = root_partition_id;

} // namespace

u64 next_id() {
    const Guard guard(lock);
    return ++last_id;
}

bool add(ChildPartition& child) {
    const Guard guard(lock);
    for (ChildPartition*& place : all) {
        if (place == nullptr) {
            place = &child;
            return true;
        }
    }
    return false;
}

void remove(const ChildPartition& child) {
    const Guard guard(lock);
    for (ChildPartition*& place : all) {
        place = place == &child ? nullptr : place;
    }
}

ChildPartition* find(u64 id) {
    const Guard guard(lock);
    for (ChildPartition* const child : all) {
        if (child != nullptr && child->id == id) {
            return child;
        }
    }
    return nullptr;
}

ChildPartition* at_place(u32 place) {
    const Guard guard(lock);
    return place < most ? all[place] : nullptr;
}

void publish_counts(const Partition& root) {
    const Guard guard(lock);
    u32 number = 0;
    u64 vps = 0;
    for (const ChildPartition* const child : all) {
        number += child != nullptr ? 1 : 0;
        vps += child != nullptr ? stats::count_vps(*child) : 0;
    }
    stats::publish_hypervisor(root, number, vps);
}

void report() {
    const Guard guard(lock);
    for (const ChildPartition* const child : all) {
        if (child != nullptr) {
            Log() << "partition " << child->id << " deposited " << child->pool.deposited()
                  << " withdrawn " << child->pool.withdrawn() << " held " << child->pool.held()
                  << " free " << child->pool.free();
        }
    }
}

} // namespace children

} // namespace mshv::standin
