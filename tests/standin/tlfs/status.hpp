// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// What a hypercall answers in bits 15:0. Source: TLFS, "Hypercall Status Codes".
enum class Status : u16 {
    success = 0x00,
    invalid_hypercall_code = 0x02,
    invalid_hypercall_input = 0x03,
    invalid_alignment = 0x04,
    invalid_parameter = 0x05,
    access_denied = 0x06,
    invalid_partition_state = 0x07,
    operation_denied = 0x08,
    unknown_property = 0x09,
    property_value_out_of_range = 0x0A,
    insufficient_memory = 0x0B,
    invalid_partition_id = 0x0D,
    invalid_vp_index = 0x0E,
    not_found = 0x10,
    invalid_port_id = 0x11,
    invalid_connection_id = 0x12,
    insufficient_buffers = 0x13,
    invalid_vp_state = 0x15,
    invalid_synic_state = 0x17,
    no_resources = 0x1D,
    invalid_lp_index = 0x41,
    invalid_register_value = 0x50,
    operation_failed = 0x71,
    insufficient_root_memory = 0x73,
    insufficient_contiguous_memory = 0x75,
    call_pending = 0x79,
    insufficient_contiguous_root_memory = 0x83,
};

} // namespace mshv::standin
