// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/partition/partition.hpp"
#include "tests/standin/svm/vmcb.hpp"

/// Writes counters where the root reads them.
namespace mshv::standin::stats {

/// This processor goes into its guest, and has left it for this reason.
void on_entry(Lp& lp, Vp& vp);
void on_exit(Lp& lp, Vp& vp, svm::Exit reason);

/// The page of the hypervisor as a whole.
StatsPage& hypervisor_page();

/// Where the root's scheduler looks whether a VP that it has dispatched waits for something.
void set_blocked(Vp& vp, bool blocked);

/// A line of what a VP of this partition has exited for, if it ever ran.
void tell(const Vp& vp, u64 partition, u32 index);

void publish(Lp& lp);
void publish(Vp& vp);
void publish(Partition& partition);
/// How many partitions there are beside the root, and VPs of these.
void publish_hypervisor(const Partition& root, u32 children, u64 child_vps);
u64 count_vps(const Partition& partition);

} // namespace mshv::standin::stats
