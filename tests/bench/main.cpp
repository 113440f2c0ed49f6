// SPDX-License-Identifier: Apache-2.0
//
// mshv-bench [guests|lists|storage|queries]…: measures, and prints each figure beside its target.
// The exit status says how many were missed (at most 100), or 101 for a fault.
#include "tests/bench/suites.hpp"

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

int main(int argc, char** argv) {
    using namespace mshv::bench;
    struct Suite {
        std::string_view name;
        void (*measure)(Report&);
        bool realtime;
    };
    const std::vector<Suite> suites{{"guests", measure_guests, false},
                                    {"lists", measure_lists, true},
                                    {"storage", measure_storage, true},
                                    {"queries", measure_queries, true}};
    const std::vector<std::string_view> wanted(argv + 1, argv + argc);
    try {
        Report report;
        for (const auto& suite : suites) {
            if (wanted.empty() ||
                std::find(wanted.begin(), wanted.end(), suite.name) != wanted.end()) {
                set_realtime(suite.realtime);
                suite.measure(report);
            }
        }
        report.print();
        return std::min(report.missed(), 100);
    } catch (const std::exception& error) {
        std::cerr << "mshv-bench: " << error.what() << "\n";
        return 101;
    }
}
