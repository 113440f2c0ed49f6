// SPDX-License-Identifier: Apache-2.0
// Any bytes: imported as xl.cfg and as <domain>, strictly and with every loss accepted; what comes
// of it is written, read back, exported and imported again.
#include "toolstack/libs/import/import.hpp"
#include "toolstack/libs/guestxml/guestxml.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace mshv;
using namespace mshv::foreign;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void sound(const Imported& made, std::string_view bytes) {
    bool failed = false;
    for (const api::Problem& problem : made.problems) {
        failed = failed || !problem.warning;
        require(problem.line >= 1 && problem.column >= 1);
        require(!guestxml::format_problem(problem, bytes).empty());
    }
    require(made.spec.has_value() != failed);
    if (!made.spec) {
        return;
    }
    require(guestxml::parse(guestxml::to_xml(*made.spec)).spec == made.spec);
    const Exported out = to_libvirt(*made.spec);
    require(import_libvirt(out.xml).spec == made.spec);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    ImportOptions options;
    options.file_name = "fuzz";
    options.bridges = {{"default", "virbr0"}};
    for (const bool lenient : {false, true}) {
        options.accepted = lenient ? std::vector<std::string>{"all"} : std::vector<std::string>{};
        options.compat_libvirt = lenient;
        sound(import_xl(bytes, options), bytes);
        sound(import_libvirt(bytes, options), bytes);
    }
    return 0;
}
