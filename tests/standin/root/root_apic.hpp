// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/svm/virtual_processor.hpp"

namespace mshv::standin {

/// The root's interrupt controllers are the machine's own, except that an INIT or a start-up interrupt
/// must not reach a processor itself: it would reset it, hypervisor and all. So writes come here. False
/// when this nested page fault was no write to the controller.
bool emulate_apic_write(Lp& lp, VirtualProcessor& vp);

} // namespace mshv::standin
