// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/disk_argument.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/import/import.hpp"

#include <array>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;

template <typename E>
E chosen(const std::string& word, E otherwise) {
    return word.empty() ? otherwise : api::from_name<E>(word).value();
}

api::Disk from_path(const std::string& path) {
    api::Disk disk;
    disk.path = path;
    disk.source = path.starts_with("/dev/") ? api::DiskSource::block : api::DiskSource::file;
    return disk;
}

/// The importer reads them, as a line of an xl.cfg.
api::Disk from_xl(Context& context, const std::string& words) {
    if (words.find_first_of("'\"\\\n") != std::string::npos) {
        throw Error(ErrorCode::usage, "a disk's words hold no quotes",
                    "give the path alone, and options");
    }
    foreign::ImportOptions options;
    options.file_name = "DISK";
    const auto imported = foreign::import_xl(
        "name='x'\ntype='pvh'\nmemory=64\nkernel='/k'\ndisk=['" + words + "']\n", options);
    for (const auto& problem : imported.problems) {
        if (!problem.warning) {
            throw Error(ErrorCode::usage, "'" + words + "': " + problem.message, problem.hint);
        }
        if (problem.where.find("disk") != std::string::npos) {
            context.warn("note: " + problem.message);
        }
    }
    if (!imported.spec || imported.spec->devices.disks.size() != 1) {
        throw Error(ErrorCode::usage, "'" + words + "' is no disk");
    }
    return imported.spec->devices.disks.front();
}

} // namespace

void DiskArgument::declare(Arguments& arguments) {
    arguments.text("--target", "NAME",
                   "the guest's name for it, vda … ; the next one when not given", target_);
    arguments.choice("--format", "FORMAT", "raw (the default) or qcow2; never guessed",
                     {"raw", "qcow2"}, format_);
    arguments.texts("--backing", "FORMAT:PATH",
                    "a qcow2 image's backing file, nearest first; may be given again", backing_);
    arguments.flag("--readonly", "the guest cannot write to it", read_only_);
    arguments.flag("--shareable", "several partitions may write to it", shareable_);
    arguments.text("--serial", "TEXT", "the serial number that the guest sees", serial_);
    arguments.choice("--cache", "MODE", "as in the guest XML; none when not given",
                     {"none", "writeback", "writethrough", "directsync", "unsafe"}, cache_);
    arguments.positionals("DISK", "a path; or xl's words: 'format=raw,vdev=xvdb,target=/path'",
                          ValueKind::file, words_);
}

api::Disk DiskArgument::disk(Context& context) const {
    std::string words;
    for (const auto& word : words_) {
        words += (words.empty() ? "" : ",") + word;
    }
    const bool path = words_.size() == 1 && words.starts_with('/') &&
                      words.find_first_of(",=") == std::string::npos;
    api::Disk disk = path ? from_path(words) : from_xl(context, words);
    if (!target_.empty()) {
        disk.target = target_;
        disk.bus = target_.starts_with("sd") ? api::DiskBus::sata : api::DiskBus::virtio;
    }
    disk.format = chosen(format_, disk.format);
    disk.cache = chosen(cache_, disk.cache);
    disk.serial = serial_;
    disk.read_only = disk.read_only || read_only_;
    disk.shareable = disk.shareable || shareable_;
    for (const auto& text : backing_) {
        const auto colon = text.find(':');
        const auto format = api::from_name<api::DiskFormat>(text.substr(0, colon));
        if (!format || colon == std::string::npos || colon + 1 == text.size()) {
            throw Error(ErrorCode::usage, "--backing '" + text + "' is not FORMAT:PATH",
                        "such as raw:/srv/base.img");
        }
        disk.backing.push_back({text.substr(colon + 1), *format});
    }
    return disk;
}

std::string disk_target(const std::string& word) {
    return word.starts_with("xvd") ? "vd" + word.substr(3) : word;
}

std::string drive_target(const std::string& word) {
    const bool of_xl = word.starts_with("hd") || word.starts_with("xvd");
    return of_xl ? "sd" + word.substr(word.starts_with("hd") ? 2 : 3) : word;
}

} // namespace mshv::ctl::verbs
