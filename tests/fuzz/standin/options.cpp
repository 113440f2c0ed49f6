// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/options/options.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// Any command line: what is refused is a word of it, and what was taken is within its bounds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mshv::standin;
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    Options options;
    std::string_view wrong;
    if (!parse_options(line, options, wrong)) {
        if (wrong.empty() || wrong.data() < line.data() ||
            wrong.data() + wrong.size() > line.data() + line.size()) {
            std::abort();
        }
        return 0;
    }
    if (options.faults.most_elements == 0) {
        std::abort();
    }
    for (const faults::CallFault& call : options.faults.calls) {
        if (call.fault.when.first != 0 && (call.code > 0xFFFF || call.elements > 0xFFF)) {
            std::abort();
        }
    }
    return 0;
}
