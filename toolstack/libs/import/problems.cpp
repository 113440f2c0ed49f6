// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/import/problems.hpp"

#include <algorithm>
#include <tuple>

namespace mshv::foreign {

std::vector<api::Problem> in_order(std::vector<api::Problem> problems, std::size_t most) {
    std::stable_sort(problems.begin(), problems.end(),
                     [](const api::Problem& a, const api::Problem& b) {
                         return std::tuple(a.line, a.column) < std::tuple(b.line, b.column);
                     });
    problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
    most = std::max<std::size_t>(most, 1);
    if (problems.size() > most) {
        const bool failed =
            std::any_of(problems.begin(), problems.end(),
                        [](const api::Problem& problem) { return !problem.warning; });
        const bool shown =
            std::any_of(problems.begin(), problems.begin() + static_cast<std::ptrdiff_t>(most),
                        [](const api::Problem& problem) { return !problem.warning; });
        if (failed && !shown) { // an error is never hidden behind warnings
            std::stable_partition(problems.begin(), problems.end(),
                                  [](const api::Problem& problem) { return !problem.warning; });
        }
        api::Problem rest = problems[most - 1];
        rest.code = failed ? "E-LIMIT" : "W-LIMIT";
        rest.message = std::to_string(problems.size() - most) + " more problems are not listed";
        rest.hint = "mend these first";
        rest.warning = !failed;
        problems.resize(most);
        problems.push_back(std::move(rest));
    }
    return problems;
}

} // namespace mshv::foreign
