// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace mshv::posix {

/// The whole of a file, at most `limit` bytes; a longer one throws (EFBIG).
std::string read_file(const std::string& path, std::size_t limit);

/// The whole of what `fd` gives until its end, at most `limit` bytes; more throws (EFBIG).
std::string read_all(int fd, std::size_t limit, std::string_view what);

/// open(2) with O_CLOEXEC; throws with the path in the text.
Fd open_file(const std::string& path, int flags, mode_t mode = 0600);

/// Replaces `path` by `data` so that a crash at any instant leaves the old content or the new:
/// written beside it, fsynced, renamed, and the folder fsynced.
void replace_file(const std::string& path, std::string_view data, mode_t mode = 0600);

/// A sealed in-memory file holding `data`, positioned at its start.
Fd memory_file(const std::string& name, std::string_view data);

/// An empty in-memory file: where a child's bounded output can be read from afterwards.
Fd memory_file_for_writing(const std::string& name);

/// mkdir -p: every missing folder is made with `mode`.
void make_directories(const std::string& path, mode_t mode);

/// rm -rf below and including `path`, never following a symbolic link. A path that does not exist
/// is no error: clean-up is idempotent.
void remove_tree(const std::string& path);

} // namespace mshv::posix
