// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/image/partial_file.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/folder.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace mshv::ctl {
namespace {

constexpr std::array endings{SIGINT, SIGTERM, SIGHUP};

/// For the handler, which can call little: the path of the file that is to go.
std::array<char, PATH_MAX> unfinished{};

void remove_and_end(int signal) {
    ::unlink(unfinished.data());
    // The handler was installed for once: this time the signal ends the program.
    static_cast<void>(::raise(signal));
}

void on_endings(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int signal : endings) {
        ::sigaction(signal, &action, nullptr);
    }
}

} // namespace

PartialFile::PartialFile(std::string target) : target_(std::move(target)) {
    const auto slash = target_.rfind('/');
    const std::string name = slash == std::string::npos ? target_ : target_.substr(slash + 1);
    path_ = posix::folder_of(target_) + "/." + name + ".XXXXXX";
    const posix::Fd made(posix::check(::mkostemp(path_.data(), O_CLOEXEC), path_));
    if (path_.size() < unfinished.size()) {
        std::memcpy(unfinished.data(), path_.c_str(), path_.size() + 1);
        on_endings(remove_and_end);
    }
}

PartialFile::~PartialFile() {
    if (!named_) {
        ::unlink(path_.c_str());
    }
    forget();
}

void PartialFile::forget() {
    on_endings(SIG_DFL);
    unfinished[0] = '\0';
}

void PartialFile::finish(Existing existing) {
    const posix::Fd file = posix::open_file(path_, O_RDONLY);
    posix::check(::fsync(file.get()), path_);
    const unsigned flags = existing == Existing::refuse ? RENAME_NOREPLACE : 0;
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), flags) != 0) {
        if (errno == EEXIST) {
            throw api::Error(api::ErrorCode::exists, "'" + target_ + "' exists",
                             "--force replaces it");
        }
        posix::throw_errno(target_);
    }
    named_ = true;
    posix::sync_folder_of(target_);
}

} // namespace mshv::ctl
