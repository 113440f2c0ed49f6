// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/qmp_scan.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// A line from a VMM that its guest may have taken over: it is refused, or it is one object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto scanned = mshv::keeper::scan_qmp(line);
    if (scanned) {
        const auto first = line.find_first_not_of(" \t\r\n");
        const auto last = line.find_last_not_of(" \t\r\n");
        if (line[first] != '{' || line[last] != '}' || scanned->event.size() > 256) {
            std::abort();
        }
    }
    return 0;
}
