// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lifecycle/properties.hpp"

#include "tests/standin/lp/clock.hpp"
#include "tests/standin/vp/child_cpuid.hpp"
#include "tests/standin/vp/child_synthetic_msrs.hpp"
#include "tests/standin/vp/extended_state.hpp"

namespace mshv::standin::properties {
namespace {

namespace code {
constexpr u32 privilege_flags = 0x10000;
constexpr u32 synthetic_features = 0x10001;
constexpr u32 time_freeze = 0x30003;
constexpr u32 reference_time = 0x30005;
constexpr u32 processors_per_socket = 0x50003;
constexpr u32 access_tracking = 0x50005;
constexpr u32 unknown_msr_action = 0x50017;
constexpr u32 xsave_features = 0x60002;
constexpr u32 xsave_states = 0x60007;
constexpr u32 largest_xsave = 0x60008;
constexpr u32 clock_frequency = 0x60009;
constexpr u32 processor_features0 = 0x6000A;
constexpr u32 processor_features1 = 0x6000B;
constexpr u32 vmm_capabilities = 0x90007;
constexpr u32 assignable_synthetic = 0x90009;
} // namespace code

constexpr u64 read_zero_ignore_write = 1;

} // namespace

Status get_of_root(u32 which, u64& value) {
    switch (which) {
    case code::xsave_features:
        value = xsave_features();
        return Status::success;
    case code::xsave_states:
        value = extended_state::components();
        return Status::success;
    case code::largest_xsave:
        value = extended_state::size();
        return Status::success;
    case code::clock_frequency:
        value = clock::tsc_hz();
        return Status::success;
    case code::processor_features0:
    case code::processor_features1:
        value = processor_features(which - code::processor_features0);
        return Status::success;
    default:
        return Status::unknown_property;
    }
}

Status get(const ChildPartition& child, u32 which, u64& value) {
    switch (which) {
    case code::privilege_flags:
        value = child.privileges;
        return Status::success;
    case code::synthetic_features:
        value = child.synthetic_features;
        return Status::success;
    case code::time_freeze:
        value = child.time.frozen() ? 1 : 0;
        return Status::success;
    case code::reference_time:
        value = child.time.at(clock::now());
        return Status::success;
    case code::processors_per_socket:
        value = child.processors_per_socket;
        return Status::success;
    case code::access_tracking:
        value = child.tracks_access ? 1 : 0;
        return Status::success;
    case code::unknown_msr_action:
        value = child.ignores_unknown_msrs ? read_zero_ignore_write : 0;
        return Status::success;
    case code::xsave_features:
        value = xsave_features() & ~child.disabled_xsave;
        return Status::success;
    case code::processor_features0:
    case code::processor_features1: {
        const u32 bank = which - code::processor_features0;
        value = processor_features(bank) & ~child.disabled_features[bank];
        return Status::success;
    }
    default:
        return get_of_root(which, value);
    }
}

Status set(ChildPartition& child, u32 which, u64 value) {
    const Guard guard(child.lock);
    const bool early = child.state == ChildPartition::State::created;
    switch (which) {
    case code::synthetic_features:
        if (!early) {
            return Status::invalid_partition_state;
        }
        if ((value & ~assignable_synthetic_features()) != 0) {
            return Status::property_value_out_of_range;
        }
        child.synthetic_features = value;
        return Status::success;
    case code::time_freeze:
        if (value != 0) {
            child.time.freeze(clock::now());
        } else {
            child.time.go_on(clock::now());
            child_msrs::on_time_changed(child);
        }
        return Status::success;
    case code::reference_time:
        return child.time.set(value) ? Status::success : Status::operation_denied;
    case code::processors_per_socket:
        child.processors_per_socket = value;
        return Status::success;
    case code::access_tracking:
        child.tracks_access = value != 0;
        return Status::success;
    case code::unknown_msr_action:
        child.ignores_unknown_msrs = value == read_zero_ignore_write;
        return Status::success;
    default:
        return Status::unknown_property;
    }
}

Status get_extended(u32 which, u64* values) {
    constexpr u64 one_bank = 1;
    constexpr u64 assignable_synthetic_features_known = 1ULL << 4;
    switch (which) {
    case code::vmm_capabilities:
        values[0] = one_bank;
        values[1] = assignable_synthetic_features_known;
        return Status::success;
    case code::assignable_synthetic:
        values[0] = assignable_synthetic_features();
        return Status::success;
    default:
        return Status::unknown_property;
    }
}

} // namespace mshv::standin::properties
