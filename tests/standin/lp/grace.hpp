// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"

namespace mshv::standin {

/// Waits until each other processor has forgotten what it looked up before: it has been in a guest
/// since, or is in one, or does nothing. So what nobody can find any more may be given back after
/// it. The caller holds no lock, and nothing that another one could take from it meanwhile.
void wait_for_others();

/// This processor does nothing while it exists, so that nobody has to wait for it.
class Idle {
public:
    explicit Idle(Lp& lp) : lp_(lp) { __atomic_store_n(&lp_.idle, true, __ATOMIC_SEQ_CST); }
    Idle(const Idle&) = delete;
    Idle& operator=(const Idle&) = delete;
    ~Idle() { __atomic_store_n(&lp_.idle, false, __ATOMIC_SEQ_CST); }

private:
    Lp& lp_;
};

} // namespace mshv::standin
