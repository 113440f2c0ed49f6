// SPDX-License-Identifier: Apache-2.0
//
// Disk images by the real qemu-img: whole or not at all, and never one that a partition has.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace mshv::e2e;
namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t mebibyte = 1024UL * 1024;

/// Nothing that begins with a dot: that is what an image is called while it is being made.
void nothing_unfinished(const Host& host) {
    for (const auto& entry : fs::directory_iterator(host.path("."))) {
        BOOST_TEST(!entry.path().filename().string().starts_with("."), entry.path());
    }
}

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

BOOST_AUTO_TEST_CASE(an_image_is_made_and_never_overwritten) {
    Host host;
    const auto file = host.path("a.img");
    host.ok({"image", "create", "-f", "raw", file, "4M"});
    BOOST_TEST(fs::file_size(file) == 4 * mebibyte);
    const auto told = host.fails(4, {"image", "create", "-f", "raw", file, "8M"});
    BOOST_TEST(contains(told, "--force replaces it"));
    BOOST_TEST(fs::file_size(file) == 4 * mebibyte);
    host.ok({"image", "create", "-f", "raw", "--force", file, "8M"});
    BOOST_TEST(fs::file_size(file) == 8 * mebibyte);

    const auto top = host.path("top.qcow2");
    const auto json = Json::parse(
        host.ok({"--json", "image", "create", "-f", "qcow2", "-b", file, "-F", "raw", top, "16M"}));
    BOOST_TEST(json["info"]["virtual-size"].number() == 16L * 1024 * 1024);
    BOOST_TEST(json["info"]["backing-filename"].text() == file);
    host.fails(1, {"image", "create", "-f", "qcow2", "-b", host.path("no"), "-F", "raw",
                   host.path("b.qcow2"), "1M"});
    BOOST_TEST(!fs::exists(host.path("b.qcow2")));
    nothing_unfinished(host);
}

BOOST_AUTO_TEST_CASE(what_is_converted_there_and_back_is_the_same) {
    Host host;
    std::string bytes(3 * mebibyte, '\0');
    for (std::size_t i = 0; i < bytes.size(); i += 4099) {
        bytes[i] = static_cast<char>(i / 4099);
    }
    const auto raw = host.write_file("raw.img", bytes, 0600);
    const auto qcow2 = host.path("made.qcow2");
    const auto back = host.path("back.img");
    host.ok({"image", "convert", "-f", "raw", "-O", "qcow2", "--compress", raw, qcow2});
    BOOST_TEST(contains(host.ok({"image", "info", "-f", "qcow2", qcow2}), "file format: qcow2"));
    host.ok({"image", "convert", "-f", "qcow2", "-O", "raw", qcow2, back});
    BOOST_TEST((read(back) == bytes));
    host.fails(4, {"image", "convert", "-f", "raw", "-O", "raw", raw, back});
    // It is what -f says, not what its first bytes say.
    host.fails(1, {"image", "convert", "-f", "qcow2", "-O", "raw", raw, host.path("c.img")});
    BOOST_TEST(!fs::exists(host.path("c.img")));
    nothing_unfinished(host);
}

BOOST_AUTO_TEST_CASE(it_grows_and_shrinks_only_when_told) {
    Host host;
    const auto file = host.path("disk:1.img"); // no address of a protocol "disk"
    host.ok({"image", "create", "-f", "raw", file, "4M"});
    host.ok({"image", "resize", "-f", "raw", file, "+2M"});
    BOOST_TEST(fs::file_size(file) == 6 * mebibyte);
    host.fails(1, {"image", "resize", "-f", "raw", file, "1M"});
    BOOST_TEST(fs::file_size(file) == 6 * mebibyte);
    host.ok({"image", "resize", "-f", "raw", "--shrink", file, "1M"});
    BOOST_TEST(fs::file_size(file) == mebibyte);
    BOOST_TEST(contains(host.ok({"-N", "image", "resize", "-f", "raw", file, "8M"}), "resize"));
    BOOST_TEST(fs::file_size(file) == mebibyte);
}

BOOST_AUTO_TEST_CASE(words_that_do_not_go_together) {
    Host host;
    const auto file = host.path("x");
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"image", "create", file, "1M"},
          {"image", "create", "-f", "vmdk", file, "1M"},
          {"image", "create", "-f", "raw", file},
          {"image", "create", "-f", "raw", file, "1X"},
          {"image", "create", "-f", "qcow2", "-b", file, file, "1M"},
          {"image", "info", "-f", "raw", file, "1M"},
          {"image", "convert", "-f", "raw", file, "y"},
          {"image", "turn", "-f", "raw", file}}) {
        host.fails(2, words);
    }
    BOOST_TEST(!fs::exists(file));
}

BOOST_AUTO_TEST_CASE(an_image_that_a_partition_has_stays_as_it_is) {
    Host host;
    const auto file = host.write_file("d.img", std::string(mebibyte, '\0'), 0666);
    host.create({.name = "d",
                 .steps = "shell",
                 .devices = {"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
                             "<source file='" +
                             file + "'/><target dev='vda' bus='virtio'/></disk>"}});
    const auto told = host.fails(8, {"image", "resize", "-f", "raw", file, "2M"});
    BOOST_TEST(contains(told, "in use"));
    BOOST_TEST(fs::file_size(file) == mebibyte);
    BOOST_TEST(contains(host.ok({"image", "info", "-f", "raw", file}), "1 MiB"));
    host.ok({"destroy", "d"});
    host.ok({"image", "resize", "-f", "raw", file, "2M"});
    BOOST_TEST(fs::file_size(file) == 2 * mebibyte);
}
