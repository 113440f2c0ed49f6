// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/boot/options.hpp"

#include "tests/standin/console/log.hpp"

namespace mshv::standin {

Options parse_options(std::string_view line) {
    Options options;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
        if (word == "plain") {
            options.hide_hypervisor = true;
        } else {
            Log() << "option " << word << " is unknown";
            panic("unknown option");
        }
    }
    return options;
}

} // namespace mshv::standin
