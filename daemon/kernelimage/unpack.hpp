// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/kernelimage/bzimage.hpp"

#include <cstdint>
#include <functional>
#include <stdexcept>

namespace mshv::kernelimage {

/// The payload cannot be unpacked; `what()` says why.
class CannotUnpack : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Gives the unpacked bytes to `sink` piece by piece. What follows the compressed data inside the
/// payload (the kernel's build appends the unpacked size) is ignored. Throws CannotUnpack for an
/// unknown or damaged payload and when more than `limit` bytes would come out.
void unpack(const Payload& payload, std::uint64_t limit, const std::function<void(Bytes)>& sink);

} // namespace mshv::kernelimage
