// SPDX-License-Identifier: Apache-2.0
// mshv-schema-gen [--man]: prints the RELAX NG schema, or the element table of mshv-guest(5).
#include "toolstack/libs/guestxml/guestxml.hpp"

#include <cstdio>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
    const bool manual = argc == 2 && std::string_view(argv[1]) == "--man";
    if (argc > 1 && !manual) {
        std::fputs("usage: mshv-schema-gen [--man]\n", stderr);
        return 2;
    }
    const std::string text = manual ? mshv::guestxml::manual_table() : mshv::guestxml::relax_ng();
    const bool written =
        std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return written ? 0 : 1;
}
