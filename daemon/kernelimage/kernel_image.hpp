// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

namespace mshv::kernelimage {

using Bytes = std::span<const unsigned char>;

/// Why there is no vmlinux for a PVH boot; the values are the program's exit statuses and stand in
/// the daemon's cache.
enum class Verdict {
    unpacked = 0,        ///< the vmlinux is in the output
    io_error = 1,        ///< reading or writing failed: says nothing about the kernel
    not_a_kernel = 10,   ///< neither a bzImage with a known header nor an ELF file
    unknown_format = 11, ///< compressed in a way that is not known here
    damaged = 12,        ///< the compressed data is broken
    too_big = 13,        ///< more than the output's limit
    not_elf = 14,        ///< what came out is no x86-64 ELF file
    no_pvh_note = 15,    ///< the kernel was built without CONFIG_PVH
    is_vmlinux = 16,     ///< the input is itself a vmlinux with a PVH entry
};

class Rejected : public std::runtime_error {
public:
    Rejected(Verdict verdict, const std::string& why)
        : std::runtime_error(why), verdict_(verdict) {}
    [[nodiscard]] Verdict verdict() const { return verdict_; }

private:
    Verdict verdict_;
};

/// The compressed kernel inside a bzImage, by its boot header (protocol 2.08 or later).
Bytes payload_of(Bytes image);

/// Has this ELF file the note that names a PVH entry point (owner "Xen", type 18)? Throws
/// Rejected{not_elf} for what is no x86-64 ELF file.
bool has_pvh_note(Bytes elf);
bool looks_like_elf(Bytes data);

/// Unpacks `payload` into `out` and returns how many bytes it is.
std::size_t unpack(Bytes payload, std::span<unsigned char> out);

} // namespace mshv::kernelimage
