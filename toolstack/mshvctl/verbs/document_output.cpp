// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/document_output.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl::verbs {

void write_file(const std::string& path, const std::string& text) {
    try {
        posix::replace_file(path, text, 0644);
    } catch (const std::system_error& error) {
        const int code = error.code().value();
        throw api::Error(code == EACCES || code == EPERM || code == EROFS ? api::ErrorCode::denied
                                                                          : api::ErrorCode::failed,
                         "cannot write " + path + ": " + error.code().message());
    }
}

void print_document(Context& context, const std::string& text) {
    const bool terminal = is_terminal(STDOUT_FILENO);
    context.out().write(terminal ? api::escape_terminal(text, api::EscapeLayout::keep_lines)
                                 : text);
}

} // namespace mshv::ctl::verbs
