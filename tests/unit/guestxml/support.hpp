// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/guestxml.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace mshv::guestxml::test {

inline std::filesystem::path source_dir() {
    return MSHV_SOURCE_DIR;
}
inline std::filesystem::path data_dir() {
    return source_dir() / "tests/data/guestxml";
}

inline std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path.string());
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::filesystem::path> documents(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".xml") {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// A partition with `body` beside its name and memory; `body` starts on line 4.
inline std::string partition(const std::string& body) {
    return "<partition>\n<name>x</name>\n<memory unit='MiB'>64</memory>\n" + body +
           "\n</partition>\n";
}

inline std::string texts(const std::vector<api::Problem>& problems) {
    std::string out;
    for (const api::Problem& problem : problems) {
        out += format_problem(problem, "");
    }
    return out;
}

inline api::PartitionSpec accepted(const std::string& document, const ParseOptions& options = {}) {
    ParseResult result = parse(document, options);
    if (!result.spec) {
        throw std::runtime_error("refused:\n" + texts(result.problems));
    }
    return *result.spec;
}

} // namespace mshv::guestxml::test
