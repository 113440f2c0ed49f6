// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::foreign {

/// "disk[2]/script" without its indices: "disk/script".
inline std::string without_indices(std::string_view key) {
    std::string out;
    bool inside = false;
    for (const char c : key) {
        inside = inside || c == '[';
        if (!inside) {
            out += c;
        }
        inside = inside && c != ']';
    }
    return out;
}

/// Does the administrator accept a loss at `key`? A word stands for itself and all below it, with
/// an index for one of several, without for each.
inline bool accepts(const std::vector<std::string>& accepted, std::string_view key) {
    const std::string bare = without_indices(key);
    const auto covers = [](std::string_view word, std::string_view path) {
        return path.starts_with(word) &&
               (path.size() == word.size() || path[word.size()] == '/' || path[word.size()] == '[');
    };
    return std::any_of(accepted.begin(), accepted.end(), [&](const std::string& word) {
        return word == "all" || (!word.empty() && (covers(word, key) || covers(word, bare)));
    });
}

} // namespace mshv::foreign
