// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/disk_identity.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <system_error>

namespace mshv::vmm {
namespace {

using domain::Extent;

constexpr std::int64_t sector = 512; // sysfs counts in these, whatever the device does
constexpr std::int64_t unbounded = INT64_MAX;
/// Partition of a loop device over a file on … : more than any host stacks.
constexpr int deepest = 16;

std::string device_name(unsigned major, unsigned minor) {
    return "device " + std::to_string(major) + ':' + std::to_string(minor);
}

/// A line of sysfs; empty when it is not there.
std::string line_of(const std::string& path) {
    constexpr std::size_t longest = 8192;
    try {
        std::string text = posix::read_file(path, longest);
        if (!text.empty() && text.back() == '\n') {
            text.pop_back();
        }
        return text;
    } catch (const std::system_error&) {
        return {};
    }
}

std::int64_t number_of(const std::string& path) {
    const std::string text = line_of(path);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && value >= 0 ? value : 0;
}

/// a + b, where either may be without bound.
std::int64_t plus(std::int64_t a, std::int64_t b) {
    return a > unbounded - b ? unbounded : a + b;
}

/// `size` bytes from `offset` on of `whole`; size 0 = to its end.
Extent part_of(const Extent& whole, std::int64_t offset, std::int64_t size) {
    Extent part = whole;
    part.first = plus(whole.first, offset);
    if (size > 0) {
        part.past = std::min(whole.past, plus(part.first, size));
    }
    return part;
}

class Devices {
public:
    explicit Devices(const std::string& sysfs) : sysfs_(sysfs) {}

    std::optional<DiskIdentity> by_path(const std::string& path, int depth = 0) const {
        struct stat info {};
        if (::stat(path.c_str(), &info) != 0) {
            return std::nullopt;
        }
        const std::string node = node_of({info.st_mode, info.st_dev, info.st_ino, info.st_rdev});
        if (S_ISBLK(info.st_mode)) {
            return by_number(major(info.st_rdev), minor(info.st_rdev), depth);
        }
        return node.empty() ? std::nullopt
                            : std::optional(DiskIdentity{node, {node, 0, unbounded}, {}});
    }

    DiskIdentity by_number(unsigned major, unsigned minor, int depth = 0) const {
        DiskIdentity found;
        found.node = device_name(major, minor);
        found.self.base = found.node;
        const std::string link =
            sysfs_ + "/dev/block/" + std::to_string(major) + ':' + std::to_string(minor);
        std::error_code error;
        const auto folder = std::filesystem::canonical(link, error);
        if (error || depth >= deepest) {
            return found;
        }
        if (std::filesystem::exists(folder / "partition", error)) {
            take_part(found, by_folder(folder.parent_path(), depth + 1),
                      number_of(folder / "start") * sector, number_of(folder / "size") * sector);
        } else if (const auto file = line_of(folder / "loop/backing_file"); !file.empty()) {
            // The kernel writes " (deleted)" behind a name that is gone: nobody else can name it.
            if (const auto below = by_path(file, depth + 1)) {
                take_part(found, below, number_of(folder / "loop/offset"),
                          number_of(folder / "loop/sizelimit"));
            }
        } else {
            add_slaves(found, folder / "slaves", depth + 1);
        }
        return found;
    }

private:
    /// The device that a folder of sysfs describes.
    std::optional<DiskIdentity> by_folder(const std::filesystem::path& folder, int depth) const {
        const std::string text = line_of(folder / "dev");
        const auto colon = text.find(':');
        unsigned major = 0;
        unsigned minor = 0;
        if (colon == std::string::npos ||
            std::from_chars(text.data(), text.data() + colon, major).ec != std::errc{} ||
            std::from_chars(text.data() + colon + 1, text.data() + text.size(), minor).ec !=
                std::errc{}) {
            return std::nullopt;
        }
        return by_number(major, minor, depth);
    }

    static void take_part(DiskIdentity& found, const std::optional<DiskIdentity>& whole,
                          std::int64_t offset, std::int64_t size) {
        if (whole) {
            found.self = part_of(whole->self, offset, size);
            found.made_of = whole->made_of;
        }
    }

    void add_slaves(DiskIdentity& found, const std::filesystem::path& folder, int depth) const {
        std::error_code error;
        for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
             at.increment(error)) {
            if (const auto below = by_folder(at->path(), depth)) {
                found.made_of.push_back(below->self);
                found.made_of.insert(found.made_of.end(), below->made_of.begin(),
                                     below->made_of.end());
            }
        }
    }

    const std::string& sysfs_;
};

void add(std::vector<domain::DiskClaim>& claims, const std::string& device, const std::string& path,
         bool writes, bool shares) {
    auto found = path.empty() ? std::nullopt : identify_disk(path);
    if (found) {
        claims.push_back({device, path, std::move(found->node), std::move(found->self),
                          std::move(found->made_of), writes, shares});
    }
}

} // namespace

std::string node_of(const FileStatus& status) {
    if (S_ISBLK(status.mode)) {
        return device_name(major(status.number), minor(status.number));
    }
    return S_ISREG(status.mode)
               ? "file " + std::to_string(status.device) + ':' + std::to_string(status.inode)
               : std::string();
}

std::optional<DiskIdentity> identify_disk(const std::string& path, const std::string& sysfs) {
    return Devices(sysfs).by_path(path);
}

DiskIdentity identify_device(unsigned major, unsigned minor, const std::string& sysfs) {
    return Devices(sysfs).by_number(major, minor);
}

std::vector<domain::DiskClaim> disk_claims(const api::Disk& disk) {
    std::vector<domain::DiskClaim> claims;
    add(claims, disk.target, disk.path, domain::writes(disk), disk.shareable);
    for (const auto& backing : disk.backing) {
        add(claims, disk.target, backing.path, false, false);
    }
    return claims;
}

std::vector<domain::DiskClaim> disk_claims(const api::PartitionSpec& spec) {
    std::vector<domain::DiskClaim> claims;
    for (const auto& disk : spec.devices.disks) {
        for (auto& claim : disk_claims(disk)) {
            claims.push_back(std::move(claim));
        }
    }
    if (spec.boot.firmware == api::Firmware::efi) {
        add(claims, "nvram", spec.boot.nvram, true, false);
    }
    return claims;
}

} // namespace mshv::vmm
