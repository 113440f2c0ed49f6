// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// The birth and the end of VPs, of pages of their partition's pool, whose lock is held.
namespace mshv::standin::vp_creation {

/// Null with the reason when it cannot be made; then nothing is.
ChildVp* create(ChildPartition& partition, u32 index, u32 code, Status& status);

/// Takes the VP from its partition: nobody finds it any more, and it does not run when this
/// returns.
void detach(ChildVp& vp);
/// Gives its pages back. After wait_for_others().
void destroy(ChildVp& vp);

/// Takes away a page of counters that is still mapped: it is the one of who looks at them.
void end_stats(StatsPage& stats, Partition& owner);

/// A page that the VP and its parent share; null with the status of the call.
u8* map_page(ChildVp& vp, u8*& page, u32 code, Status& status);
void unmap_page(ChildVp& vp, u8*& page);

} // namespace mshv::standin::vp_creation
