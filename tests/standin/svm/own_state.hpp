// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/svm/vmcb.hpp"

namespace mshv::standin::svm {

/// Where the hypervisor goes on behind a #VMEXIT.
struct OwnState {
    u64 rip, cr3;
    u64 stack_begin, stack_end;
};

/// That a #VMEXIT has saved the hypervisor's state in the place of its guest's, which is lost then: a
/// guest of these addresses by itself would have its stack in the hypervisor's, too. Pure.
constexpr bool is_own_state(const Vmcb& saved, const OwnState& own) {
    return saved.rip == own.rip && saved.cr3 == own.cr3 && saved.rsp >= own.stack_begin &&
           saved.rsp < own.stack_end;
}

} // namespace mshv::standin::svm
