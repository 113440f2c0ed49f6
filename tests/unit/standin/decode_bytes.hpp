// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/decode/instruction.hpp"

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <vector>

// What the tests of the decoder share: bytes in, one line out.

namespace mshv::standin {

using Bytes = std::vector<std::uint8_t>;

inline DecodeResult decode_bytes(const Bytes& bytes, CodeMode mode = CodeMode::long64) {
    return decode(bytes, mode);
}

inline std::ostream& operator<<(std::ostream& out, DecodeStatus status) {
    return out << "status " << int{static_cast<std::uint8_t>(status)};
}
inline std::ostream& operator<<(std::ostream& out, Operation operation) {
    return out << "operation " << int{static_cast<std::uint8_t>(operation)};
}
inline std::ostream& operator<<(std::ostream& out, OperandKind kind) {
    return out << "kind " << int{static_cast<std::uint8_t>(kind)};
}
inline std::ostream& operator<<(std::ostream& out, Segment segment) {
    return out << "segment " << int{static_cast<std::uint8_t>(segment)};
}
inline std::ostream& operator<<(std::ostream& out, Repeat repeat) {
    return out << "repeat " << int{static_cast<std::uint8_t>(repeat)};
}
inline std::ostream& operator<<(std::ostream& out, OpcodeMap map) {
    return out << "map " << int{static_cast<std::uint8_t>(map)};
}

} // namespace mshv::standin
