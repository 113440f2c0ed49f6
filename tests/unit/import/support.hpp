// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/guestxml/guestxml.hpp"
#include "toolstack/libs/import/import.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace mshv::foreign::test {

inline std::filesystem::path source_dir() {
    return MSHV_SOURCE_DIR;
}

inline std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path.string());
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::filesystem::path> documents(const std::string& folder,
                                                    const std::string& extension) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(source_dir() / folder)) {
        if (entry.path().extension() == extension) {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

inline std::string report_of(const std::vector<api::Problem>& problems,
                             const std::string& document) {
    std::string text;
    for (const api::Problem& problem : problems) {
        text += guestxml::format_problem(problem, document);
    }
    return text;
}

/// A pvh guest with `body` from line 4 on.
inline std::string xl_guest(const std::string& body) {
    return "name = 'x'\ntype = 'pvh'; memory = 64\nkernel = '/k'\n" + body + "\n";
}

inline api::PartitionSpec imported_xl(const std::string& document,
                                      const ImportOptions& options = {}) {
    Imported result = import_xl(document, options);
    if (!result.spec) {
        throw std::runtime_error("refused:\n" + report_of(result.problems, document));
    }
    return *result.spec;
}

} // namespace mshv::foreign::test
