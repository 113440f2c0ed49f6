// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/text.hpp"

namespace mshv::standin {

/// Makes the second serial port ready, on which the hypervisor speaks: one line an event, first
/// word HV, so that a program can read it beside a console that is the root's alone.
void open_log();

/// Writes a line as a whole, whichever processors speak at once.
void write_log(const Line& line);

/// The line under construction; written when it ends.
class Log {
public:
    Log() { line_ << "HV "; }
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log() { write_log(line_); }
    template <typename T>
    Log& operator<<(const T& value) {
        line_ << value;
        return *this;
    }

private:
    Line line_;
};

/// Says why and stops this processor for ever. The others are not stopped: they are either not
/// affected or will say so themselves.
[[noreturn]] void panic(std::string_view why, u64 detail = 0);

} // namespace mshv::standin
