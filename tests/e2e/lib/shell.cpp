// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/shell.hpp"

namespace mshv::e2e {

void guest_says(Host& host, const std::string& name, const std::string& line,
                const std::string& wanted) {
    auto shell = host.session({"console", "--replay", "0", name});
    shell.write("\n");
    shell.wait_for("MSHV-GUEST#", guest_time());
    shell.write(line + "\n");
    shell.wait_for(wanted, guest_time());
}

} // namespace mshv::e2e
