// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/creation.hpp"

#include "tests/standin/partition/deposited_page.hpp"
#include "tests/standin/partition/root_memory.hpp"
#include "tests/standin/partition/statistics.hpp"
#include "tests/standin/vp/initial_state.hpp"
#include "tests/standin/vp/run_queues.hpp"
#include "tests/standin/vp/scheduling.hpp"

#include <new>

namespace mshv::standin::vp_creation {
namespace {

enum Part : u32 { object, control_block, context, queues, parts };

u8* reach(void* partition, u64 gpa) {
    const auto found = static_cast<ChildPartition*>(partition)->memory.find(gpa);
    return found.present && found.rights.write ? at<u8>(found.address) : nullptr;
}

} // namespace

ChildVp* create(ChildPartition& partition, u32 index, u32 code, Status& status) {
    void* pages[parts] = {};
    for (u32 i = 0; i < parts; ++i) {
        pages[i] = take_deposited(partition, code, status);
        if (pages[i] == nullptr) {
            while (i-- > 0) {
                partition.pool.put(address_of(pages[i]));
            }
            return nullptr;
        }
    }
    auto* const vp = new (pages[object])
        ChildVp(partition, index, *static_cast<svm::Vmcb*>(pages[control_block]),
                *new (pages[context]) VpContext());
    vp->queues = static_cast<synic::MessageQueues*>(pages[queues]);
    vp->synic.set_guest(reach, &partition, vp->queues);
    initial_state::on_creation(*vp);
    __atomic_store_n(&partition.vps[index], static_cast<Vp*>(vp), __ATOMIC_RELEASE);
    return vp;
}

void detach(ChildVp& vp) {
    __atomic_store_n(&vp.partition.vps[vp.index], static_cast<Vp*>(nullptr), __ATOMIC_SEQ_CST);
    const VpState state(vp);
    vp.dead = true;
    vp.clockwork.disarm();
    scheduling::set_dispatch_suspend(vp, true);
    run_queues::forget(vp);
}

void destroy(ChildVp& vp) {
    DepositPool& pool = vp.partition.pool;
    stats::tell(vp, vp.partition.id, vp.index);
    unmap_page(vp, vp.message_page);
    unmap_page(vp, vp.register_page);
    end_stats(vp.stats, vp.partition.parent);
    const PhysicalAddress pages[] = {address_of(&vp.cpu.vmcb), address_of(&vp.context),
                                     address_of(vp.queues), address_of(&vp)};
    for (const PhysicalAddress page : pages) {
        pool.put(page);
    }
}

void end_stats(StatsPage& stats, Partition& owner) {
    using Unmapped = StatsPage::Unmapped;
    u64* page = nullptr;
    Unmapped result = Unmapped::not_yet;
    while (result == Unmapped::not_yet) {
        result = stats.unmap(page);
    }
    if (result == Unmapped::page) {
        root_memory::hide(address_of(page));
        const Guard guard(owner.lock);
        owner.pool.put(address_of(page));
    }
}

u8* map_page(ChildVp& vp, u8*& page, u32 code, Status& status) {
    status = Status::success;
    if (page == nullptr) {
        void* const taken = take_deposited(vp.partition, code, status);
        if (taken == nullptr) {
            return nullptr;
        }
        root_memory::show(address_of(taken));
        page = static_cast<u8*>(taken);
    }
    return page;
}

void unmap_page(ChildVp& vp, u8*& page) {
    if (page != nullptr) {
        root_memory::hide(address_of(page));
        vp.partition.pool.put(address_of(page));
        page = nullptr;
    }
}

} // namespace mshv::standin::vp_creation
