// SPDX-License-Identifier: Apache-2.0
// Any bytes: parsed strictly and leniently, with the problems shown and the spec written and read
// back.
#include "toolstack/libs/guestxml/guestxml.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace mshv::guestxml;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    ParseOptions options;
    options.file_name = "fuzz.xml";
    for (const bool compat : {false, true}) {
        options.compat_libvirt = compat;
        const ParseResult result = parse(bytes, options);
        for (const auto& problem : result.problems) {
            if (problem.line < 1 || problem.column < 1 || format_problem(problem, bytes).empty()) {
                std::abort();
            }
        }
        if (!result.spec && result.problems.empty()) {
            std::abort();
        }
        if (result.spec && parse(to_xml(*result.spec)).spec != result.spec) {
            std::abort();
        }
    }
    // The same bytes as settings on top of a sound document.
    const std::size_t middle = bytes.find('=');
    if (middle != std::string_view::npos) {
        options.overrides.emplace_back(bytes.substr(0, middle), bytes.substr(middle + 1));
        static_cast<void>(
            parse("<partition><name>x</name><memory unit='MiB'>64</memory></partition>", options));
    }
    return 0;
}
