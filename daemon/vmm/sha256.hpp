// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mshv::vmm {

/// SHA-256 (FIPS 180-4): names the kernels in the cache by their content.
class Sha256 {
public:
    void add(std::span<const unsigned char> data);
    /// 64 lower-case hex digits. Nothing may be added afterwards.
    std::string finish();

private:
    void block(const unsigned char* data);

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<unsigned char, 64> pending_{};
    std::size_t pending_size_ = 0;
    std::uint64_t total_ = 0;
};

} // namespace mshv::vmm
