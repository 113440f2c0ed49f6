// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/decode/instruction.hpp"

#include <cstdint>

namespace mshv::standin {

/// Fills in operation, operands and string operands of a decoded instruction, if it is one of those
/// that Operation lists. `rex` is 0 without one.
void describe_operation(Instruction& instruction, std::uint8_t rex);

} // namespace mshv::standin
