// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/program.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace mshv::e2e {
namespace {

struct Pipe {
    posix::Fd read;
    posix::Fd write;
};

Pipe make_pipe() {
    int ends[2] = {-1, -1};
    posix::check(::pipe2(ends, O_CLOEXEC), "make a pipe");
    return {posix::Fd(ends[0]), posix::Fd(ends[1])};
}

std::size_t occurrences(const std::string& text, std::string_view what) {
    std::size_t count = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++count;
    }
    return count;
}

/// Appends what `fd` has; closes it at its end.
void drain(posix::Fd& fd, std::string& text) {
    std::array<char, 65536> buffer{};
    const auto n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n <= 0) {
        fd.reset();
    } else {
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

} // namespace

Program::Program(const std::vector<std::string>& argv, Options options) {
    auto in = make_pipe();
    posix::Command command;
    command.program = argv.at(0);
    command.argv = argv;
    command.env = std::move(options.env);
    command.fds = {{in.read.get(), 0}};
    Pipe out;
    Pipe err;
    posix::Fd file;
    if (options.output_file.empty()) {
        out = make_pipe();
        err = make_pipe();
        command.fds.push_back({out.write.get(), 1});
        command.fds.push_back({err.write.get(), 2});
    } else {
        file = posix::open_file(options.output_file, O_WRONLY | O_CREAT | O_APPEND, 0644);
        command.fds.push_back({file.get(), 1});
        command.fds.push_back({file.get(), 2});
    }
    child_ = posix::spawn(command);
    input_ = std::move(in.write);
    output_ = std::move(out.read);
    error_ = std::move(err.read);
    if (options.input) {
        // A pipe takes 64 KiB without a reader; longer inputs are passed as files by the tests.
        if (!options.input->empty()) {
            write(*options.input);
        }
        close_input();
    }
}

Program::~Program() {
    if (child_.pidfd && !status_) {
        child_.pidfd.signal(SIGKILL);
        try {
            child_.pidfd.wait_ended(Deadline::after(std::chrono::seconds(30)));
            (void)child_.pidfd.reap();
        } catch (const std::exception&) {
            return; // unkillable: the invariants will report it
        }
    }
}

void Program::write(std::string_view text) {
    posix::write_all(input_.get(), text, Deadline::after(std::chrono::seconds(10)),
                     "write to the program");
}

bool Program::read_more(Deadline deadline) {
    std::array<pollfd, 2> ends{{{output_.get(), POLLIN, 0}, {error_.get(), POLLIN, 0}}};
    if (!output_ && !error_) {
        return false;
    }
    const int ready =
        posix::check(::poll(ends.data(), ends.size(), deadline.poll_timeout()), "poll");
    if (ready == 0) {
        throw posix::TimedOut("output of the program");
    }
    if (ends[0].revents != 0) {
        drain(output_, out_);
    }
    if (ends[1].revents != 0) {
        drain(error_, err_);
    }
    return true;
}

const std::string& Program::wait_for(std::string_view text, Deadline deadline) {
    return wait_for(text, 1, deadline);
}

const std::string& Program::wait_for(std::string_view text, std::size_t count, Deadline deadline) {
    const auto missing = [&](const char* why) {
        const auto tail = out_.size() > 2000 ? out_.substr(out_.size() - 2000) : out_;
        return posix::TimedOut("'" + std::string(text) + "' did not come (" + why +
                               "); output ends with: " + tail + "; errors: " + err_);
    };
    while (occurrences(out_, text) < count) {
        bool more = false;
        try {
            more = read_more(deadline);
        } catch (const posix::TimedOut&) {
            throw missing("deadline");
        }
        if (!more) {
            throw missing("the output ended");
        }
    }
    return out_;
}

void Program::wait_for_bytes(std::size_t count, Deadline deadline) {
    while (out_.size() < count && read_more(deadline)) {
    }
}

Outcome Program::finish(Deadline deadline) {
    try {
        while (read_more(deadline)) {
        }
        child_.pidfd.wait_ended(deadline);
    } catch (const posix::TimedOut&) {
        child_.pidfd.signal(SIGKILL);
        child_.pidfd.wait_ended(Deadline::after(std::chrono::seconds(30)));
        (void)child_.pidfd.reap();
        status_ = -1;
        throw posix::TimedOut("the program did not end; its output so far: " + out_ +
                              "; errors: " + err_);
    }
    const auto exit = child_.pidfd.reap();
    status_ = exit ? (exit->signalled ? 128 + exit->value : exit->value) : -1;
    return {*status_, out_, err_};
}

Outcome run(const std::vector<std::string>& argv, Program::Options options, Deadline deadline) {
    if (!options.input) {
        options.input.emplace();
    }
    return Program(argv, std::move(options)).finish(deadline);
}

} // namespace mshv::e2e
