// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/confirm.hpp"

#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/output/output.hpp"

#include <string>
#include <unistd.h>

namespace mshv::ctl::verbs {

std::optional<bool> confirm(std::string_view question, Usual usual) {
    if (!is_terminal(STDIN_FILENO) || !is_terminal(STDERR_FILENO)) {
        return std::nullopt;
    }
    write_error(api::escape_terminal(question) + (usual == Usual::yes ? " [Y/n] " : " [y/N] "));
    // Byte by byte: what follows the line is the next reader's.
    std::string line;
    char c = 0;
    while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
        line += c;
    }
    if (line.empty()) {
        return usual == Usual::yes && c == '\n';
    }
    return line.front() == 'y' || line.front() == 'Y';
}

} // namespace mshv::ctl::verbs
