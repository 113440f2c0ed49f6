// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/support/collection.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/folder.hpp"
#include "toolstack/mshvctl/programs.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl {
namespace {

std::string temporary_folder() {
    const char* parent = std::getenv("TMPDIR");
    std::string path = std::string(parent != nullptr ? parent : "/tmp") + "/mshv-support.XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
        posix::throw_errno("mkdtemp " + path);
    }
    return path;
}

std::string in_words(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) {
        text += text.empty() ? word : " " + word;
    }
    return text;
}

/// What an error says, also where it came as this program's JSON.
std::string plain(const std::string& complaint) {
    constexpr int failed = 500;
    return complaint.starts_with("{") ? api::decode_error(complaint, failed).message() : complaint;
}

} // namespace

Collection::Collection(const std::string& name)
    : folder_(temporary_folder()), inner_(folder_ + "/" + name) {
    posix::make_directories(inner_, 0700);
}

Collection::~Collection() {
    try {
        posix::remove_tree(folder_);
    } catch (const std::system_error&) {
        // Nothing can be done about it here, and the bundle is whole all the same.
    }
}

void Collection::keep(const std::string& file, std::string_view text, const std::string& from) {
    const std::string path = inner_ + "/" + file;
    posix::make_directories(posix::folder_of(path), 0700);
    posix::replace_file(path, text, 0600);
    parts_.push_back({file, from, {}});
}

void Collection::run(const std::string& file, std::vector<std::string> words,
                     posix::Deadline deadline) {
    const std::string command = in_words(words);
    const posix::Fd output =
        posix::open_file(inner_ + "/" + file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    try {
        run_program(std::move(words), output.get(), deadline);
        parts_.push_back({file, command, {}});
    } catch (const api::Error& error) {
        parts_.push_back({file, command, plain(error.message())});
    }
}

void Collection::miss(const std::string& file, const std::string& from, const std::string& why) {
    parts_.push_back({file, from, why});
}

} // namespace mshv::ctl
