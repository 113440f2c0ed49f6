// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/seed.hpp"
#include "tests/unit/api/thrown.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <sys/stat.h>

namespace {

using namespace mshv;
using testing::error_of;

constexpr const char* program = "/usr/bin/xorriso";
constexpr std::size_t largest = 4UL << 20U;

class Folder {
public:
    Folder() { BOOST_REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { posix::remove_tree(path_); }
    [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_ = "/tmp/mshv-seed.XXXXXX";
};

domain::SeedPlan plan(const std::string& path, const std::string& user_data) {
    domain::SeedPlan result;
    result.path = path;
    result.files = {{"user-data", {user_data, {}}}, {"meta-data", {"instance-id: 1\n", {}}}};
    return result;
}

posix::Deadline soon() {
    return posix::Deadline::after(std::chrono::seconds(60));
}

/// A file of an image, as xorriso reads it.
std::string extracted(const Folder& folder, const std::string& image, const std::string& name) {
    posix::Command command;
    command.program = program;
    command.argv = {program,  "-no_rc", "-report_about", "SORRY",    "-osirrox",     "on",
                    "-indev", image,    "-extract",      "/" + name, folder.at(name)};
    command.env = {"LC_ALL=C"};
    const auto child = posix::spawn(command);
    child.pidfd.wait_ended(soon());
    (void)child.pidfd.reap();
    return posix::read_file(folder.at(name), largest);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_seed_holds_its_documents_byte_for_byte) {
    const Folder folder;
    const std::string text = "#cloud-config\n\xc3\xa4 'quoted' \\ \t\n\n";
    posix::replace_file(folder.at("net"), std::string(100'000, 'n'));
    auto wanted = plan(folder.at("seed.iso"), text);
    wanted.files.push_back({"network-config", {{}, folder.at("net")}});
    vmm::make_seed(program, wanted, soon());
    const auto image = folder.at("seed.iso");
    const std::string bytes = posix::read_file(image, largest);
    BOOST_TEST(bytes.substr(0x8028, 6) == "cidata");
    struct stat info {};
    BOOST_REQUIRE(::stat(image.c_str(), &info) == 0);
    BOOST_TEST((info.st_mode & 07777U) == 0600U);
    BOOST_TEST(::stat((image + ".d").c_str(), &info) != 0); // nothing is left beside it
    BOOST_TEST(extracted(folder, image, "user-data") == text);
    BOOST_TEST(extracted(folder, image, "meta-data") == "instance-id: 1\n");
    BOOST_TEST(extracted(folder, image, "network-config") == std::string(100'000, 'n'));
}

BOOST_AUTO_TEST_CASE(the_same_documents_give_the_same_bytes) {
    const Folder first;
    const Folder second;
    vmm::make_seed(program, plan(first.at("a"), "x"), soon());
    vmm::make_seed(program, plan(second.at("b"), "x"), soon());
    BOOST_TEST(
        (posix::read_file(first.at("a"), largest) == posix::read_file(second.at("b"), largest)));
    vmm::make_seed(program, plan(second.at("c"), "y"), soon());
    BOOST_TEST(
        (posix::read_file(first.at("a"), largest) != posix::read_file(second.at("c"), largest)));
}

BOOST_AUTO_TEST_CASE(a_document_that_cannot_be_read_is_named) {
    const Folder folder;
    const auto error = [&](const std::string& file) {
        auto wanted = plan(folder.at("seed" + std::to_string(file.size())), "");
        wanted.files.push_back({"network-config", {{}, file}});
        return error_of([&] { vmm::make_seed(program, wanted, soon()); });
    };
    BOOST_TEST(
        error(folder.at("none")).find("/none for cloud-init's network-config: No such file") !=
        std::string::npos);
    BOOST_TEST(error("/dev/zero").find("no regular file") != std::string::npos);
    posix::replace_file(folder.at("large"), std::string((1UL << 20U) + 1, 'x'));
    BOOST_TEST(error(folder.at("large")).find("more than 1 MiB") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_program_that_is_not_there_or_fails_is_said) {
    const Folder folder;
    const auto missing =
        error_of([&] { vmm::make_seed("/nowhere/xorriso", plan(folder.at("a"), ""), soon()); });
    BOOST_TEST(missing.find("Cannot run /nowhere/xorriso") != std::string::npos);
    const auto failing =
        error_of([&] { vmm::make_seed("/bin/false", plan(folder.at("b"), ""), soon()); });
    BOOST_TEST(failing.find("/bin/false did not make") != std::string::npos);
}
