// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace mshv::ctl {

/// Standard output, gathered so that a table of ten thousand rows is one write(2).
class Output {
public:
    void write(std::string_view text) { buffer_ += text; }
    void line(std::string_view text) {
        buffer_ += text;
        buffer_ += '\n';
    }
    /// The buffer itself, for printers that append much.
    std::string& buffer() { return buffer_; }
    /// Writes what was gathered; throws api::Error when it cannot be written.
    void flush();

private:
    std::string buffer_;
};

/// Is `fd` a terminal?
bool is_terminal(int fd);

/// The columns of the terminal `fd`; 80 when unknown.
int terminal_width(int fd);

/// Writes `text` to standard error in one go; failures are nobody's to hear.
void write_error(std::string_view text) noexcept;

} // namespace mshv::ctl
