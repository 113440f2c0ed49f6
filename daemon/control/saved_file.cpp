// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/saved_file.hpp"

#include "daemon/domain/lifecycle.hpp"
#include "daemon/vmm/sha256.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/folder.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::string_view magic = "mshv-saved 1 ";
constexpr std::size_t number_width = 12;
constexpr std::size_t sum_width = 64;
/// magic, length of the manifest, offset of the stream, checksum of both and of all up to there, LF
constexpr std::size_t line_size = magic.size() + 2 * (number_width + 1) + sum_width + 1;
constexpr std::size_t page = 4096;
constexpr std::size_t longest_manifest = 4UL * 1024 * 1024;
/// What the manifest may still grow by: sizes, times and the checksum.
constexpr std::size_t slack = 4096;
constexpr std::size_t piece = 1024UL * 1024;

std::span<const unsigned char> bytes_of(std::string_view text) {
    return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

std::string sum_of(std::string_view text) {
    vmm::Sha256 sum;
    sum.add(bytes_of(text));
    return sum.finish();
}

std::string padded(std::uint64_t number) {
    std::string digits = std::to_string(number);
    return std::string(number_width > digits.size() ? number_width - digits.size() : 0, '0') +
           digits;
}

/// The first line, of a file with this `body` up to the stream.
std::string line_of(std::uint64_t length, std::uint64_t offset, const std::string& body) {
    const std::string numbers = padded(length) + ' ' + padded(offset) + ' ';
    return std::string(magic) + numbers + sum_of(numbers + body) + '\n';
}

std::string head_of(const api::SaveManifest& manifest, std::uint64_t offset) {
    const std::string json = api::encode(manifest);
    if (line_size + json.size() > offset) {
        throw Error(ErrorCode::failed, "The manifest has become longer than its place");
    }
    std::string body = json;
    body.append(offset - line_size - json.size(), ' ');
    return line_of(json.size(), offset, body) + body;
}

void write_at(const posix::Fd& fd, std::string_view text, const std::string& path) {
    off_t at = 0;
    while (!text.empty()) {
        const auto put = ::pwrite(fd.get(), text.data(), text.size(), at);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        posix::check(put < 0 ? -1 : 0, "write " + path);
        text.remove_prefix(static_cast<std::size_t>(put));
        at += put;
    }
}

std::string read_at(const posix::Fd& fd, std::size_t size, std::uint64_t from,
                    const std::string& path) {
    std::string text(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const auto got = ::pread(fd.get(), text.data() + have, size - have,
                                 static_cast<off_t>(from + have));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        posix::check(got < 0 ? -1 : 0, "read " + path);
        if (got == 0) {
            break;
        }
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                    : std::nullopt;
}

struct stat stat_of(const posix::Fd& fd, const std::string& path) {
    struct stat info {};
    posix::check(::fstat(fd.get(), &info), "look at " + path);
    return info;
}

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
    throw Error(ErrorCode::invalid, "The saved partition " + path + " is damaged: " + what,
                "it cannot be restored; take another copy of the file");
}

/// The checksum of what stands behind the head.
std::string sum_stream(const SavedImage& image, std::uint64_t size, const Watch& watch) {
    vmm::Sha256 sum;
    std::uint64_t done = 0;
    while (done < size) {
        watch(done, size);
        const std::string part = read_at(image.fd, std::min<std::uint64_t>(piece, size - done),
                                         image.offset + done, image.path);
        if (part.empty()) {
            damaged(image.path, "it ends too early");
        }
        sum.add(bytes_of(part));
        done += part.size();
    }
    watch(size, size);
    return sum.finish();
}

Error in_words(const std::system_error& error, const std::string& path) {
    const int number = error.code().value();
    const bool room = number == ENOSPC || number == EDQUOT || number == EFBIG;
    const ErrorCode code = room               ? ErrorCode::no_resource
                           : number == EEXIST ? ErrorCode::exists
                           : number == ENOENT ? ErrorCode::not_found
                                              : ErrorCode::failed;
    return Error(code, "The file " + path + ": " + error.code().message(),
                 number == EEXIST ? "remove it, or save to another" : "");
}

} // namespace

std::string part_of(const std::string& path) {
    return path + ".part";
}

void refuse_place(const std::string& path) {
    struct stat info {};
    if (path.empty() || path.front() != '/' || path.back() == '/') {
        throw Error(ErrorCode::invalid, "'" + path + "' is no absolute path of a file");
    }
    const std::string folder = posix::folder_of(path);
    if (::stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        throw Error(ErrorCode::not_found, "There is no folder " + folder);
    }
    for (const auto& taken : {path, part_of(path)}) {
        if (::lstat(taken.c_str(), &info) == 0) {
            throw Error(ErrorCode::exists, "The file " + taken + " is there already",
                        "remove it, or name another");
        }
    }
}

SavedImage create_part(const std::string& part, const api::SaveManifest& manifest) {
    SavedImage image{part, {}, manifest, 0};
    image.manifest.stream_size = 0;
    image.manifest.stream_sha256.clear();
    const std::size_t least = line_size + api::encode(image.manifest).size() + slack;
    image.offset = (least + page - 1) / page * page;
    if (least > longest_manifest) {
        throw Error(ErrorCode::failed, "The definition of '" + manifest.spec.name +
                                           "' is too long to be saved with it");
    }
    MSHV_CRASHPOINT("save.before_part");
    try {
        image.fd = posix::open_file(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        try {
            write_at(image.fd, head_of(image.manifest, image.offset), part);
        } catch (...) {
            ::unlink(part.c_str());
            throw;
        }
    } catch (const std::system_error& error) {
        throw in_words(error, part);
    }
    MSHV_CRASHPOINT("save.after_part");
    return image;
}

SavedImage open_saved(const std::string& path) {
    SavedImage image{path, {}, {}, 0};
    try {
        image.fd = posix::open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (!S_ISREG(stat_of(image.fd, path).st_mode)) {
            throw Error(ErrorCode::invalid, path + " is not a file");
        }
        const std::string line = read_at(image.fd, line_size, 0, path);
        if (!line.starts_with(magic)) {
            throw Error(ErrorCode::invalid, path + " is no saved partition of this version");
        }
        const std::string_view rest = std::string_view(line).substr(magic.size());
        const auto length = rest.size() < number_width ? std::nullopt
                                                       : number_in(rest.substr(0, number_width));
        const auto offset = rest.size() < 2 * number_width + 1
                                ? std::nullopt
                                : number_in(rest.substr(number_width + 1, number_width));
        if (line.size() != line_size || !length || !offset || *length > longest_manifest ||
            *offset > 2 * longest_manifest || *offset % page != 0 ||
            line_size + *length > *offset) {
            damaged(path, "its first line");
        }
        image.offset = *offset;
        const std::string body = read_at(image.fd, *offset - line_size, line_size, path);
        if (body.size() != *offset - line_size || line != line_of(*length, *offset, body)) {
            damaged(path, "its manifest does not have the checksum that it was written with");
        }
        api::DecodeOptions options;
        options.what = "manifest of the saved partition";
        options.max_bytes = longest_manifest;
        image.manifest =
            api::decode<api::SaveManifest>(std::string_view(body).substr(0, *length), options);
    } catch (const std::system_error& error) {
        throw in_words(error, path);
    }
    return image;
}

std::optional<SavedImage> find_own(const std::string& path, const std::string& token) {
    try {
        SavedImage image = open_saved(path);
        if (image.manifest.token == token) {
            return image;
        }
    } catch (const Error&) { // NOLINT: it is not there, or not one of ours
    }
    return std::nullopt;
}

bool is_whole(const SavedImage& image) {
    return image.manifest.stream_size > 0 && !image.manifest.stream_sha256.empty();
}

void seal(SavedImage& image, const Watch& watch) {
    try {
        const auto size = static_cast<std::uint64_t>(stat_of(image.fd, image.path).st_size);
        if (size <= image.offset) {
            throw Error(ErrorCode::failed, "The VMM said that it had written the state, and wrote "
                                           "nothing");
        }
        image.manifest.stream_size = size - image.offset;
        image.manifest.stream_sha256 = sum_stream(image, image.manifest.stream_size, watch);
        const posix::Fd out = posix::open_file(image.path, O_WRONLY | O_NOFOLLOW);
        // What the head says is true only when the rest is on the disk.
        MSHV_CRASHPOINT("save.before_flush");
        posix::check(::fsync(out.get()), "flush " + image.path);
        write_at(out, head_of(image.manifest, image.offset), image.path);
        MSHV_CRASHPOINT("save.after_head");
        posix::check(::fsync(out.get()), "flush " + image.path);
    } catch (const std::system_error& error) {
        throw in_words(error, image.path);
    }
}

void check_stream(const SavedImage& image, const Watch& watch) {
    try {
        if (!is_whole(image)) {
            damaged(image.path, "its save was never finished");
        }
        const auto size = static_cast<std::uint64_t>(stat_of(image.fd, image.path).st_size);
        const std::uint64_t wanted = image.offset + image.manifest.stream_size;
        if (size != wanted) {
            damaged(image.path, "it has " + std::to_string(size) + " bytes and should have " +
                                    std::to_string(wanted));
        }
        if (sum_stream(image, image.manifest.stream_size, watch) != image.manifest.stream_sha256) {
            damaged(image.path, "its state does not have the checksum that it was written with");
        }
    } catch (const std::system_error& error) {
        throw in_words(error, image.path);
    }
}

void give_name(const std::string& part, const std::string& path, Existing existing) {
    try {
        MSHV_CRASHPOINT("save.before_rename");
        const unsigned flags = existing == Existing::refuse ? RENAME_NOREPLACE : 0U;
        int result = ::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, path.c_str(), flags);
        if (result != 0 && errno == EINVAL) {
            // A file system that cannot refuse: a link does not replace anything either.
            result = ::link(part.c_str(), path.c_str());
            result = result == 0 ? ::unlink(part.c_str()) : result;
        }
        posix::check(result, "name " + path);
        MSHV_CRASHPOINT("save.after_rename");
        posix::sync_folder_of(path);
    } catch (const std::system_error& error) {
        throw in_words(error, path);
    }
}

api::SavedFile look_at(const std::string& path, bool writable) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        throw Error(ErrorCode::failed, "The file " + path + " cannot be looked at: " +
                                           std::system_category().message(errno));
    }
    api::SavedFile file;
    file.path = path;
    file.writable = writable;
    file.block_device = S_ISBLK(info.st_mode);
    file.inode = info.st_ino;
    if (file.block_device) {
        const posix::Fd device = posix::open_file(path, O_RDONLY | O_NONBLOCK);
        const off_t end = ::lseek(device.get(), 0, SEEK_END);
        file.size = end > 0 ? static_cast<std::uint64_t>(end) : 0;
        file.inode = 0; // the node is made anew with each boot
    } else {
        file.size = static_cast<std::uint64_t>(info.st_size);
        file.mtime_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    }
    return file;
}

std::string changed_since(const api::SavedFile& then) {
    constexpr std::int64_t million = 1'000'000;
    try {
        const api::SavedFile now = look_at(then.path, then.writable);
        if (now.block_device != then.block_device || now.inode != then.inode) {
            return "The disk " + then.path + " is another than when the partition was saved";
        }
        if (now.size != then.size) {
            return "The disk " + then.path + " had " + std::to_string(then.size) +
                   " bytes when the partition was saved, and has " + std::to_string(now.size);
        }
        if (now.mtime_ns != then.mtime_ns) {
            return "The disk " + then.path + " has been written to since the partition was saved (" +
                   domain::format_time(now.mtime_ns / million) + ')';
        }
    } catch (const Error& error) {
        return error.message();
    } catch (const std::system_error& error) {
        return error.what();
    }
    return {};
}

} // namespace mshv::control
