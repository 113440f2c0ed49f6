// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/child/cpuid_results.hpp"
#include "tests/standin/child/partition_time.hpp"
#include "tests/standin/child/partition_tsc.hpp"
#include "tests/standin/partition/partition.hpp"
#include "tests/standin/port/connections.hpp"

namespace mshv::standin {

/// What a partition is made with. Source: Linux, include/hyperv/hvhdk.h,
/// HV_PARTITION_CREATION_FLAG_*.
namespace creation {
constexpr u64 smt = 1ULL << 0;
constexpr u64 nested = 1ULL << 1;
constexpr u64 super_pages = 1ULL << 4;
constexpr u64 exo = 1ULL << 8;
constexpr u64 lapic = 1ULL << 13;
constexpr u64 message_page = 1ULL << 19;
constexpr u64 x2apic = 1ULL << 22;
} // namespace creation

/// What a parent may ask to see: HV_INTERCEPT_TYPE_*.
namespace intercept_kind {
constexpr u32 io_port = 0;
constexpr u32 msr = 1;
constexpr u32 cpuid = 2;
constexpr u32 exception = 3;
} // namespace intercept_kind

/// A partition that the root has made. It lies in a page of the root's pool; all that is made for
/// it comes from its own.
struct ChildPartition : Partition {
    enum class State : u8 { created, initialized, finalized, deleted };

    ChildPartition(u64 number, Partition& parent_partition, u64 creation_flags, Interrupt how);

    Partition& parent;
    const u64 flags;
    State state = State::created; ///< kept by the lock

    u64 disabled_features[2] = {};
    u64 disabled_xsave = 0;
    u64 synthetic_features = 0;
    u64 processors_per_socket = 0;
    bool ignores_unknown_msrs = false; ///< they read as 0 and take anything; else #GP
    bool tracks_access = false;
    PartitionTime time;
    PartitionTsc tsc;
    u32 intercepts = 0; ///< kinds that 0x4D has asked for, one bit each
    CpuidResults cpuid_results;
    Connections connections;
};
static_assert(sizeof(ChildPartition) <= page_size);

/// Makes the partition known, and finds it; see partition.hpp for who may find which.
namespace children {

/// A number that no other one has had. False when there are as many as there can be.
bool add(ChildPartition& child);
void remove(const ChildPartition& child);
u64 next_id();
ChildPartition* find(u64 id);
/// How many there are, and their VPs, where the root counts them.
void publish_counts(const Partition& root);
/// One after the other, from 0 on; null where there is none.
constexpr u32 most = 64;
ChildPartition* at_place(u32 place);
void report();

} // namespace children

} // namespace mshv::standin
