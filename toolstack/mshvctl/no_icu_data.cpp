// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <unicode/udata.h>
#include <unicode/utypes.h>

// Only in the static program. libxml2 pulls ICU in for foreign encodings, and ICU 31 MB of tables;
// guest XML is UTF-8, which libxml2 reads by itself. This is the empty table of contents that ICU
// takes for "no data": with it any other encoding is one that libxml2 does not know.

namespace {

struct EmptyIcuData {
    std::uint16_t header_size;
    std::uint8_t magic[2]; // NOLINT(modernize-avoid-c-arrays): ICU's layout
    UDataInfo info;
    char padding[8]; // NOLINT(modernize-avoid-c-arrays): ICU's layout
    std::uint32_t count;
    std::uint32_t reserved;
};

constexpr std::uint16_t header_size = 32; // up to and with the padding
static_assert(offsetof(EmptyIcuData, count) == header_size);

} // namespace

extern "C" {
extern const EmptyIcuData U_ICUDATA_ENTRY_POINT;
const EmptyIcuData U_ICUDATA_ENTRY_POINT = {header_size,
                                            {0xda, 0x27},
                                            {sizeof(UDataInfo),
                                             0,
                                             U_IS_BIG_ENDIAN,
                                             U_CHARSET_FAMILY,
                                             sizeof(UChar),
                                             0,
                                             {'T', 'o', 'C', 'P'},
                                             {1, 0, 0, 0},
                                             {0, 0, 0, 0}},
                                            {},
                                            0,
                                            0};
}
