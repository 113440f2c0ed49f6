// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <vector>

namespace mshv::api {

/// How many letters must be added, dropped, changed or swapped with their neighbour to make `b` of
/// `a`.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({change, above[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        before.swap(above);
        above.swap(row);
    }
    return above[b.size()];
}

/// The one of `words` that a typing mistake may have turned into `text`; empty when none is near.
template <typename Words>
std::string_view nearest_word(std::string_view text, const Words& words) {
    constexpr std::size_t longest = 64;
    std::string_view best;
    std::size_t least = std::max<std::size_t>(1, text.size() / 3) + 1;
    if (text.size() > longest) {
        return best;
    }
    for (const std::string_view word : words) {
        const std::size_t distance = edit_distance(text, word);
        if (distance < least) {
            least = distance;
            best = word;
        }
    }
    return best;
}

} // namespace mshv::api
