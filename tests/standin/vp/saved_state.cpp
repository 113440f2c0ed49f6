// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/saved_state.hpp"

#include "tests/standin/lp/clock.hpp"
#include "tests/standin/tlfs/msr.hpp"
#include "tests/standin/vp/eoi_assist.hpp"
#include "tests/standin/vp/extended_state.hpp"

namespace mshv::standin::saved_state {
namespace {

constexpr u32 lapic = 0x80000000;
constexpr u32 xsave = 0x80000001;
constexpr u32 message_page = 0x80000002;
constexpr u32 event_flags_page = 0x80000003;
constexpr u32 timers = 4;

// An XSAVE area's header.
constexpr std::size_t features_at = 512;
constexpr std::size_t compaction_at = 520;
constexpr u64 is_compacted = 1ULL << 63;

struct TimerState {
    u32 flags;
    u32 reserved;
    u64 config;
    u64 count;
    u64 adjustment;
    u64 expiration;
};

/// With these components the compacted form differs from the other one in its header alone.
void save_extended(const ChildVp& vp, u8* to) {
    const u64 compaction = is_compacted | extended_state::components();
    __builtin_memset(to, 0, page_size);
    __builtin_memcpy(to, vp.context.extended, extended_state::size());
    __builtin_memcpy(to + compaction_at, &compaction, sizeof(compaction));
}

Status restore_extended(ChildVp& vp, const u8* from) {
    u64 features = 0;
    u64 compaction = 0;
    __builtin_memcpy(&features, from + features_at, sizeof(features));
    __builtin_memcpy(&compaction, from + compaction_at, sizeof(compaction));
    constexpr u64 avx = 4;
    const bool dense = (compaction & is_compacted) != 0 && (compaction & avx) == 0;
    if ((features & ~extended_state::components()) != 0 || (dense && (features & avx) != 0)) {
        return Status::invalid_register_value;
    }
    __builtin_memset(vp.context.extended, 0, sizeof(vp.context.extended));
    __builtin_memcpy(vp.context.extended, from, extended_state::size());
    __builtin_memset(vp.context.extended + compaction_at, 0, 64 - 8);
    return Status::success;
}

/// The page that a register of the synthetic interrupt controller names; null when it names none.
u8* synic_page(const ChildVp& vp, u32 number) {
    u64 reg = 0;
    if (!vp.synic.read(number, reg) || (reg & 1) == 0) {
        return nullptr;
    }
    const auto found = vp.partition.memory.find(align_down(reg, page_size));
    return found.present && found.rights.write ? at<u8>(found.address) : nullptr;
}

Status save_page(const ChildVp& vp, u32 number, u8* to) {
    const u8* const page = synic_page(vp, number);
    if (page == nullptr) {
        __builtin_memset(to, 0, page_size);
    } else {
        __builtin_memcpy(to, page, page_size);
    }
    return Status::success;
}

Status restore_page(const ChildVp& vp, u32 number, const u8* from) {
    u8* const page = synic_page(vp, number);
    if (page != nullptr) {
        __builtin_memcpy(page, from, page_size);
    }
    return Status::success;
}

void save_timers(const ChildVp& vp, u8* to) {
    TimerState states[ChildTimers::count] = {};
    for (u32 i = 0; i < ChildTimers::count; ++i) {
        states[i].config = vp.clockwork.read(hv_msr::stimer0_config + 2 * i);
        states[i].count = vp.clockwork.read(hv_msr::stimer0_config + 2 * i + 1);
    }
    __builtin_memset(to, 0, inline_size);
    __builtin_memcpy(to, states, sizeof(states));
}

/// The count first: writing it may enable the timer, the configuration says whether it is.
void restore_timers(ChildVp& vp, const u8* from) {
    TimerState states[ChildTimers::count] = {};
    __builtin_memcpy(states, from, sizeof(states));
    const u64 now = vp.partition.time.at(clock::now());
    for (u32 i = 0; i < ChildTimers::count; ++i) {
        (void)vp.clockwork.write(hv_msr::stimer0_config + 2 * i + 1, states[i].count, now);
        (void)vp.clockwork.write(hv_msr::stimer0_config + 2 * i, states[i].config, now);
    }
}

} // namespace

Status save(ChildVp& vp, u32 type, u8* to) {
    switch (type) {
    case lapic: {
        eoi_assist::take_back(vp);
        const vlapic::State state = vp.apic.state(clock::now());
        __builtin_memset(to, 0, page_size);
        __builtin_memcpy(to, &state, sizeof(state));
        return Status::success;
    }
    case xsave:
        save_extended(vp, to);
        return Status::success;
    case message_page:
        return save_page(vp, hv_msr::simp, to);
    case event_flags_page:
        return save_page(vp, hv_msr::siefp, to);
    case timers:
        save_timers(vp, to);
        return Status::success;
    default:
        return Status::invalid_parameter;
    }
}

Status restore(ChildVp& vp, u32 type, const u8* from) {
    switch (type) {
    case lapic: {
        vlapic::State state{};
        __builtin_memcpy(&state, from, sizeof(state));
        eoi_assist::take_back(vp);
        vp.apic.set_state(state, clock::now());
        return Status::success;
    }
    case xsave:
        return restore_extended(vp, from);
    case message_page:
        return restore_page(vp, hv_msr::simp, from);
    case event_flags_page:
        return restore_page(vp, hv_msr::siefp, from);
    case timers:
        restore_timers(vp, from);
        return Status::success;
    default:
        return Status::invalid_parameter;
    }
}

} // namespace mshv::standin::saved_state
