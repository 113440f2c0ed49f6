// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/guestxml/suggest.hpp"

#include <algorithm>

namespace mshv::guestxml {
namespace {

constexpr std::size_t longest_word = 64; // nothing that long is a typo of a word here

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

} // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        above[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        std::swap(before, above);
        std::swap(above, row);
    }
    return above[b.size()];
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    if (word.empty() || word.size() > longest_word) {
        return {};
    }
    const std::string wanted = lower(word);
    std::size_t best = word.size() <= 3 ? 2 : word.size() <= 6 ? 3 : 4; // one above what is near
    std::string_view found;
    for (const std::string_view candidate : candidates) {
        const std::size_t longer = std::max(candidate.size(), wanted.size());
        const std::size_t shorter = std::min(candidate.size(), wanted.size());
        if (longer - shorter >= best || candidate == word) {
            continue;
        }
        const std::size_t distance = edit_distance(wanted, lower(candidate));
        if (distance < best && distance < longer) {
            best = distance;
            found = candidate;
        }
    }
    return found;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
    const std::string_view found = nearest(word, candidates);
    return found.empty() ? std::string{} : "did you mean '" + std::string(found) + "'?";
}

} // namespace mshv::guestxml
