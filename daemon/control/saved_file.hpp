// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/job.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

// The file of a saved partition: one line that says what follows and its checksum, the manifest,
// spaces up to a page, and from there on what the VMM wrote. It is written beside its name, and
// gets that name only when it is whole.

namespace mshv::control {

/// Told while a long file is read; what it throws ends that.
using Watch = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// A file that is open, and what its head says.
struct SavedImage {
    std::string path;
    posix::Fd fd;
    api::SaveManifest manifest;
    std::uint64_t offset = 0; ///< of what the VMM wrote
};

/// Where `path` is written before it is whole.
std::string part_of(const std::string& path);

/// Throws Error when no file can be made at `path`: invalid, not_found, exists.
void refuse_place(const std::string& path);

/// Makes `part` with a manifest that says that nothing of the state is there yet. Open for writing;
/// throws Error: exists, no_resource, failed.
SavedImage create_part(const std::string& part, const api::SaveManifest& manifest);

/// Throws Error{invalid} when the file is none, or its head is damaged; not_found, failed. What
/// stands behind the head has not been looked at.
SavedImage open_saved(const std::string& path);

/// The same for a file that may have gone or be somebody else's: only one with `token` is given.
std::optional<SavedImage> find_own(const std::string& path, const std::string& token);

/// Has the VMM's part been written to its end?
bool is_whole(const SavedImage& image);

/// Makes the checksum of what stands in the file, writes the final head, and flushes both.
void seal(SavedImage& image, const Watch& watch);

/// Compares length and checksum. Throws Error{invalid}.
void check_stream(const SavedImage& image, const Watch& watch);

/// Gives `part` its name; an existing file is replaced or an Error{exists}.
enum class Existing { refuse, replace };
void give_name(const std::string& part, const std::string& path, Existing existing);

/// How the file at `path` is now. Throws Error{failed} when there is none.
api::SavedFile look_at(const std::string& path, bool writable);

/// What is another than `then`, in a sentence; empty = nothing.
std::string changed_since(const api::SavedFile& then);

} // namespace mshv::control
