// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/image/qemu_img.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/mshvctl/programs.hpp"

#include <array>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;
using posix::Deadline;

constexpr std::size_t longest_output = 1024UL * 1024;

/// The number in the last "(12.34/100%)" of `text`, which is cut behind it.
std::optional<std::string> take_percent(std::string& text) {
    const auto end = text.rfind("/100%)");
    const auto begin = end == std::string::npos ? end : text.rfind('(', end);
    if (begin == std::string::npos) {
        return std::nullopt;
    }
    std::string percent = text.substr(begin + 1, end - begin - 1);
    text.erase(0, end);
    return percent;
}

std::string read_output(int pipe, const ImageProgress& progress) {
    std::string text;
    std::array<char, 4096> block{};
    while (const auto got = posix::read_some(pipe, block, Deadline::never(), "qemu-img")) {
        text.append(block.data(), got);
        if (progress) {
            if (const auto percent = take_percent(text)) {
                progress(*percent);
            }
        }
        if (text.size() > longest_output) {
            throw Error(ErrorCode::failed, "qemu-img says too much");
        }
    }
    return text;
}

[[noreturn]] void fail(std::string said) {
    // One line, without the program's name before it.
    said.resize(std::min(said.find('\n'), said.size()));
    constexpr std::string_view prefix = "qemu-img: ";
    if (said.starts_with(prefix)) {
        said.erase(0, prefix.size());
    }
    if (said.find("lock") != std::string::npos) {
        throw Error(
            ErrorCode::busy, "The image is in use: " + said,
            "a running partition has it: see mshvctl block-list, or block-resize to let its "
            "disk grow");
    }
    throw Error(ErrorCode::failed, said.empty() ? "qemu-img failed and did not say why" : said);
}

} // namespace

std::string run_qemu_img(std::vector<std::string> arguments, const ImageProgress& progress) {
    const auto program = find_program("qemu-img");
    if (!program) {
        throw Error(ErrorCode::unsupported, "There is no qemu-img on this host",
                    "install the package qemu-utils");
    }
    std::array<int, 2> ends{};
    posix::check(::pipe2(ends.data(), O_CLOEXEC), "pipe");
    const posix::Fd reader(ends[0]);
    posix::Fd writer(ends[1]);
    arguments.insert(arguments.begin(), "qemu-img");
    const ProgramRun run(*program, std::move(arguments), {"LC_ALL=C"}, writer.get());
    writer.reset();
    std::string output = read_output(reader.get(), progress);
    run.wait(Deadline::never());
    if (auto said = run.complaint()) {
        fail(std::move(*said));
    }
    return output;
}

std::string image_path(const std::string& path) {
    if (path.empty()) {
        throw Error(ErrorCode::usage, "an image without a name");
    }
    return path.front() == '/' ? path : "./" + path;
}

} // namespace mshv::ctl
