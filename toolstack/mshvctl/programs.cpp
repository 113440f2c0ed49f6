// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/programs.hpp"

#include <cstdlib>
#include <unistd.h>

namespace mshv::ctl {

std::vector<std::string> split_words(std::string_view text, char separator) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (end != 0) {
            words.emplace_back(text.substr(0, end));
        }
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return words;
}

std::optional<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return name;
    }
    const char* path = std::getenv("PATH");
    for (const auto& folder : split_words(path != nullptr ? path : "/usr/bin:/bin", ':')) {
        std::string program = folder + "/" + name;
        if (::access(program.c_str(), X_OK) == 0) {
            return program;
        }
    }
    return std::nullopt;
}

} // namespace mshv::ctl
