// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/synic/synic.hpp"
#include "tests/standin/tlfs/status.hpp"

namespace mshv::standin::hypercall {

/// What a call answers that has posted a message.
constexpr Status to_status(synic::Posted posted) {
    switch (posted) {
    case synic::Posted::delivered:
    case synic::Posted::queued:
        return Status::success;
    case synic::Posted::no_room:
        return Status::insufficient_buffers;
    case synic::Posted::off:
        break;
    }
    return Status::invalid_synic_state;
}

} // namespace mshv::standin::hypercall
