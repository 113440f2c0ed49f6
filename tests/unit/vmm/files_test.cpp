// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/disk_identity.hpp"
#include "daemon/vmm/files.hpp"
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/vmm/scene.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>

namespace {

using namespace mshv;
using domain::FilePlan;
using testing::error_of;

boost::test_tools::assertion_result is_root(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(::geteuid() == 0);
    result.message() << "needs root";
    return result;
}

FilePlan file(const std::string& path) {
    FilePlan plan;
    plan.path = path;
    return plan;
}

struct Header {
    std::array<unsigned char, 112> bytes{'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};
    void write(const std::string& path) const {
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_disk_must_be_what_was_declared) {
    const test::Folder folder;
    const std::string path = folder / "disk, with=comma.img";
    std::ofstream(path) << "data";
    auto plan = file(path);
    plan.writable = true;
    const auto fd = vmm::open_disk(plan);
    BOOST_TEST((::fcntl(fd.get(), F_GETFL) & O_ACCMODE) == O_RDWR);
    BOOST_TEST((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0);
    BOOST_TEST((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    plan.writable = false;
    BOOST_TEST((::fcntl(vmm::open_disk(plan).get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
    plan.block_device = true;
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); })
                   .find("a regular file, and the definition says a "
                         "block device") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_path_that_leads_elsewhere_meanwhile_is_refused) {
    const test::Folder folder;
    std::ofstream(folder / "claimed") << "x";
    std::ofstream(folder / "other") << "x";
    const auto link = folder / "link";
    BOOST_REQUIRE_EQUAL(::symlink((folder / "claimed").c_str(), link.c_str()), 0);
    auto plan = file(link);
    plan.node = vmm::identify_disk(link).value().node;
    BOOST_TEST(static_cast<bool>(vmm::open_disk(plan)));
    BOOST_REQUIRE_EQUAL(::unlink(link.c_str()), 0);
    BOOST_REQUIRE_EQUAL(::symlink((folder / "other").c_str(), link.c_str()), 0);
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); }) ==
               link + " leads to another disk than a moment ago");
}

BOOST_AUTO_TEST_CASE(nothing_else_is_ever_opened) {
    const test::Folder folder;
    const std::string fifo = folder / "fifo";
    BOOST_REQUIRE_EQUAL(::mkfifo(fifo.c_str(), 0600), 0); // would block, if it were opened
    for (const auto& path : {fifo, std::string("/dev/null"), folder / ".", folder / "missing"}) {
        const std::string text = error_of([&] { vmm::open_disk(file(path)); });
        BOOST_TEST(text.find(path) != std::string::npos, text);
    }
    // A link to a fine file is fine.
    std::ofstream(folder / "target") << "x";
    BOOST_REQUIRE_EQUAL(::symlink((folder / "target").c_str(), (folder / "link").c_str()), 0);
    BOOST_TEST(error_of([&] { vmm::open_disk(file(folder / "link")); }).empty());
}

BOOST_AUTO_TEST_CASE(a_qcow2_image_names_no_other_file) {
    const test::Folder folder;
    const std::string path = folder / "a.qcow2";
    auto plan = file(path);
    plan.format = api::DiskFormat::qcow2;
    std::ofstream(path) << std::string(512, 'x');
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); }) == path + " is not a qcow2 image");
    Header header;
    header.write(path);
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); }).empty());
    header.bytes[15] = 104; // backing file name at byte 104
    header.write(path);
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); }).find("backing file") != std::string::npos);
    plan.backing = true;
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); }).empty());
    header.bytes[79] = 4; // incompatible feature: external data file
    header.write(path);
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); }).find("another file") != std::string::npos);
    header.bytes[79] = 0;
    header.bytes[35] = 1; // encrypted
    header.write(path);
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); }).find("encrypted") != std::string::npos);
    header.bytes[7] = 9;
    header.write(path);
    BOOST_TEST(error_of([&] { vmm::open_disk(plan); }).find("version 9") != std::string::npos);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(is_root))
BOOST_AUTO_TEST_CASE(a_kernel_that_the_vmms_user_cannot_read_is_copied) {
    const test::Folder folder;
    const domain::VmmUser user{2'000'001, 2'000'001, {}};
    const std::string closed = folder / "closed";
    std::ofstream(closed) << "kernel";
    ::chmod(closed.c_str(), 0600);
    const std::string open = folder / "open";
    std::ofstream(open) << "kernel";
    ::chmod(open.c_str(), 0644);
    const std::string comma = folder / "a,b";
    std::ofstream(comma) << "initrd";
    BOOST_TEST(vmm::make_readable(open, folder / "copy0", user) == open);
    BOOST_TEST(vmm::make_readable(closed, folder / "copy1", std::nullopt) == closed);
    BOOST_TEST(vmm::make_readable(closed, folder / "copy2", user) == folder / "copy2");
    BOOST_TEST(posix::read_file(folder / "copy2", 100) == "kernel");
    posix::make_directories(folder / "private", 0700);
    const std::string behind = folder / "private/open";
    std::ofstream(behind) << "kernel";
    BOOST_TEST(vmm::make_readable(behind, folder / "copy5", user) == folder / "copy5");
    struct stat info {};
    BOOST_REQUIRE_EQUAL(::stat((folder / "copy2").c_str(), &info), 0);
    BOOST_TEST(info.st_uid == user.uid);
    BOOST_TEST((info.st_mode & 0777U) == 0400U);
    BOOST_TEST(vmm::make_readable(comma, folder / "copy3", std::nullopt) == folder / "copy3");
    // The asking thread's rights were its own: this process is still root.
    BOOST_TEST(posix::read_file(closed, 100) == "kernel");
    BOOST_CHECK_THROW(vmm::make_readable(folder / "none", folder / "copy4", user), api::Error);
    BOOST_CHECK_THROW(vmm::make_readable("/dev/null", folder / "copy4", user), api::Error);
}

BOOST_AUTO_TEST_CASE(a_template_is_copied_once) {
    const test::Folder folder;
    std::ofstream(folder / "template") << "one";
    const domain::CopyPlan plan{folder / "template", folder / "deep/store"};
    vmm::copy_template(plan);
    std::ofstream(folder / "template") << "two";
    vmm::copy_template(plan);
    BOOST_TEST(posix::read_file(plan.to, 100) == "one");
    BOOST_CHECK_THROW(vmm::copy_template({folder / "none", folder / "x"}), api::Error);
}

BOOST_AUTO_TEST_CASE(a_folders_mode_does_not_depend_on_the_umask) {
    const test::Folder folder;
    const mode_t before = ::umask(0077);
    vmm::make_folder(folder / "x", 0711, vmm::Existing::refuse);
    ::umask(before);
    struct stat info {};
    BOOST_REQUIRE_EQUAL(::stat((folder / "x").c_str(), &info), 0);
    BOOST_TEST((info.st_mode & 0777U) == 0711U);
    BOOST_CHECK_THROW(vmm::make_folder(folder / "x", 0711, vmm::Existing::refuse),
                      std::system_error);
    vmm::make_folder(folder / "x", 0700, vmm::Existing::accept);
    // What stands there may be a trap.
    BOOST_REQUIRE_EQUAL(::symlink((folder / "x").c_str(), (folder / "y").c_str()), 0);
    BOOST_CHECK_THROW(vmm::make_folder(folder / "y", 0711, vmm::Existing::accept),
                      std::system_error);
}
