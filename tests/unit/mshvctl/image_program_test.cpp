// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <sys/stat.h>

namespace {

using namespace mshv;
using test::ProgramFixture;
using test::TerminalRun;

struct ImageFixture : ProgramFixture {
    std::string programs = folder / "programs";
    std::string images = folder / "images";

    ImageFixture() {
        posix::make_directories(programs, 0700);
        posix::make_directories(images, 0700);
        environment = {"PATH=" + programs};
    }

    /// What is run as qemu-img.
    void qemu_img(const std::string& script) const {
        posix::replace_file(programs + "/qemu-img", "#!/bin/sh\n" + script, 0700);
    }
    [[nodiscard]] bool is_empty() const { return std::filesystem::is_empty(images); }
};

BOOST_FIXTURE_TEST_SUITE(image_program, ImageFixture)

BOOST_AUTO_TEST_CASE(how_far_it_is_is_shown_and_an_interrupted_one_leaves_nothing) {
    // It waits for somebody who writes into the pipe, which nobody does.
    const std::string pipe = folder / "pipe";
    BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    qemu_img("printf '    (12.50/100%%)\\r'\nexec /bin/cat " + pipe + "\n");
    TerminalRun run(
        *this, {"image", "convert", "-f", "raw", "-O", "raw", "/dev/null", images + "/new.img"});
    run.expect("12.50 %");
    BOOST_TEST(!is_empty());
    run.signal(SIGTERM);
    BOOST_TEST(run.finish_by_signal() == SIGTERM);
    BOOST_TEST(is_empty());
}

BOOST_AUTO_TEST_CASE(one_that_fails_leaves_nothing_and_says_why) {
    qemu_img("echo 'qemu-img: there is no room' >&2\necho more >&2\nexit 1\n");
    const auto result = run({"image", "create", "-f", "raw", images + "/new.img", "1M"});
    BOOST_TEST(result.status == 1);
    BOOST_TEST(result.err == "mshvctl: error: there is no room\n");
    BOOST_TEST(is_empty());
}

BOOST_AUTO_TEST_CASE(no_qemu_img_is_told) {
    const auto result = run({"image", "info", "-f", "raw", images + "/new.img"});
    BOOST_TEST(result.status == 7);
    BOOST_TEST(result.err.find("qemu-utils") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
