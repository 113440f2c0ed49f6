// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/decode/instruction.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace mshv::standin {

/// The bytes from front to back. Once one was missing, or the instruction is known to be none, it
/// only hands out zeros, and `status` tells.
class ByteReader {
public:
    explicit ByteReader(std::span<const std::uint8_t> bytes)
        : bytes_(bytes.size() > longest_instruction ? bytes.first(longest_instruction) : bytes) {}

    std::uint8_t byte() {
        const std::uint8_t value = peek();
        if (status_ == DecodeStatus::ok) {
            ++at_;
        }
        return value;
    }

    /// The next byte, which stays the next one.
    std::uint8_t peek() {
        if (status_ != DecodeStatus::ok) {
            return 0;
        }
        if (at_ == bytes_.size()) {
            status_ = at_ == longest_instruction ? DecodeStatus::invalid : DecodeStatus::truncated;
            return 0;
        }
        return bytes_[at_];
    }

    std::uint64_t little_endian(std::size_t size) {
        std::uint64_t value = 0;
        for (std::size_t at = 0; at < size; ++at) {
            value |= std::uint64_t{byte()} << (8 * at);
        }
        return value;
    }

    std::int64_t sign_extended(std::size_t size) {
        const std::uint64_t value = little_endian(size);
        const std::size_t unused = 64 - 8 * size;
        return static_cast<std::int64_t>(value << unused) >> unused;
    }

    void refuse() {
        if (status_ == DecodeStatus::ok) {
            status_ = DecodeStatus::invalid;
        }
    }

    [[nodiscard]] bool ok() const { return status_ == DecodeStatus::ok; }
    [[nodiscard]] DecodeStatus status() const { return status_; }
    [[nodiscard]] std::size_t position() const { return at_; }

private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
    DecodeStatus status_ = DecodeStatus::ok;
};

} // namespace mshv::standin
