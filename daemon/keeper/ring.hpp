// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mshv::keeper {

/// The last `capacity` bytes of a stream whose offsets count from the guest's first byte. Readers
/// are offsets into it: a byte is held once, however many clients are behind. The memory is touched
/// only as far as the stream has come.
class Ring {
public:
    explicit Ring(std::size_t capacity);
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring();

    void append(std::string_view bytes);
    [[nodiscard]] std::uint64_t begin() const { return end_ > capacity_ ? end_ - capacity_ : 0; }
    [[nodiscard]] std::uint64_t end() const { return end_; }
    /// Bytes from `offset` (within begin..end) on, as many as lie in one piece.
    [[nodiscard]] std::string_view at(std::uint64_t offset) const;

private:
    std::size_t capacity_;
    char* memory_;
    std::uint64_t end_ = 0;
};

} // namespace mshv::keeper
