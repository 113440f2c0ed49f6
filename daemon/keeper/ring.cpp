// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/ring.hpp"

#include "toolstack/libs/posix/fd.hpp"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

namespace mshv::keeper {

Ring::Ring(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {
    void* memory =
        ::mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        posix::throw_errno("allocate console ring");
    }
    memory_ = static_cast<char*>(memory);
}

Ring::~Ring() {
    ::munmap(memory_, capacity_);
}

void Ring::append(std::string_view bytes) {
    if (bytes.size() > capacity_) {
        end_ += bytes.size() - capacity_;
        bytes.remove_prefix(bytes.size() - capacity_);
    }
    while (!bytes.empty()) {
        const std::size_t place = end_ % capacity_;
        const std::size_t piece = std::min(bytes.size(), capacity_ - place);
        std::memcpy(memory_ + place, bytes.data(), piece);
        end_ += piece;
        bytes.remove_prefix(piece);
    }
}

std::string_view Ring::at(std::uint64_t offset) const {
    const std::size_t place = offset % capacity_;
    const std::uint64_t left = end_ - offset;
    return {memory_ + place,
            static_cast<std::size_t>(std::min<std::uint64_t>(left, capacity_ - place))};
}

} // namespace mshv::keeper
