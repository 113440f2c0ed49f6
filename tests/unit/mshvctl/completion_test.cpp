// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <unistd.h>

namespace {

using namespace mshv;
using test::Result;

struct CompletionFixture : test::ProgramFixture {
    CompletionFixture() {
        for (const std::string shell : {"bash", "zsh", "fish"}) {
            const auto script = run({"completion", shell});
            BOOST_REQUIRE(script.status == 0);
            posix::replace_file(folder / ("mshvctl." + shell), script.out);
        }
        daemon.on("GET /v1/partitions", 200,
                  R"({"partitions":[)" + test::partition_json(1, "web1", "running") + "," +
                      test::partition_json(2, "web2", "shutoff") + "," +
                      test::partition_json(3, "$(touch pwned)", "running") + "]}");
        // The scripts call the program by name.
        BOOST_REQUIRE(::symlink(MSHVCTL, (folder / "mshvctl").c_str()) == 0);
        environment = {"PATH=" + folder.operator/("") + ":/usr/bin:/bin",
                       "MSHV_SOCKET=" + (folder / "mshvd.sock"), "HOME=" + folder.operator/("")};
    }

    /// What bash offers for the last of `words`, one a line.
    [[nodiscard]] std::string bash(const std::vector<std::string>& words) const {
        std::string line;
        for (const auto& word : words) {
            line += " '" + word + "'";
        }
        const std::string script = "source " + (folder / "mshvctl.bash") + "; COMP_WORDS=(mshvctl" +
                                   line + "); COMP_CWORD=" + std::to_string(words.size()) +
                                   "; _mshvctl; printf '%s\\n' \"${COMPREPLY[@]}\"";
        const Result result =
            test::run_program("/bin/bash", {"bash", "--norc", "-c", script}, environment);
        BOOST_TEST(result.err == "");
        return result.out;
    }
};

BOOST_FIXTURE_TEST_SUITE(completion, CompletionFixture)

BOOST_AUTO_TEST_CASE(bash_completes_verbs_options_words_and_names) {
    BOOST_TEST(bash({"dest"}) == "destroy\n");
    BOOST_TEST(bash({"--json", "unp"}) == "unpause\n");
    BOOST_TEST(bash({"--connect", "/x", "unp"}) == "unpause\n");
    BOOST_TEST(bash({"pause", "web"}) == "web1\nweb2\n");
    BOOST_TEST(bash({"pause", "web1", "web"}) == "web1\nweb2\n");
    BOOST_TEST(bash({"pause", ""}) == "web1\nweb2\n"); // and never the name that is a command
    BOOST_TEST(bash({"shutdown", "--esc"}) == "--escalate\n");
    BOOST_TEST(bash({"shutdown", "--escalate", "d"}) == "destroy\n");
    BOOST_TEST(bash({"list", "--format", "x"}) == "xl\n");
    BOOST_TEST(bash({"list", "-o", "name,upt"}) == "name,uptime\n");
    BOOST_TEST(bash({"trigger", "web1", "n"}) == "nmi\n");
    BOOST_TEST(bash({"completion", "z"}) == "zsh\n");
    BOOST_TEST(bash({"help", "dumpx"}) == "dumpxml\n");
    BOOST_TEST(bash({"list", "--no-h"}) == "--no-header\n");
    BOOST_TEST(bash({"check", folder / "mshvctl.f"}) == (folder / "mshvctl.fish") + "\n");
    BOOST_TEST(bash({"__"}) == "\n");
}

BOOST_AUTO_TEST_CASE(without_a_daemon_names_are_just_missing) {
    const Result result = test::run_program(
        MSHVCTL, {"mshvctl", "--connect", folder / "none", "__complete", "names"}, {});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out.empty());
    BOOST_TEST(result.err.empty());
}

BOOST_AUTO_TEST_CASE(zsh_understands_its_script) {
    if (::access("/usr/bin/zsh", X_OK) != 0) {
        BOOST_TEST_MESSAGE("zsh is not installed");
        return;
    }
    // compadd without its terminal: shows what would be offered.
    const std::string script = "compadd() { shift; print -l -- \"$@\" }; source " +
                               (folder / "mshvctl.zsh") +
                               "; words=(mshvctl pause web); CURRENT=3; _mshvctl";
    const Result result =
        test::run_program("/usr/bin/zsh", {"zsh", "-f", "-c", script}, environment);
    BOOST_TEST(result.err == "");
    BOOST_TEST(result.out == "web1\nweb2\n");
}

BOOST_AUTO_TEST_CASE(fish_understands_its_script) {
    if (::access("/usr/bin/fish", X_OK) != 0) {
        BOOST_TEST_MESSAGE("fish is not installed");
        return;
    }
    const auto fish = [&](const std::string& line) {
        return test::run_program(
            "/usr/bin/fish",
            {"fish", "--no-config", "-c",
             "source " + (folder / "mshvctl.fish") + "; complete -C '" + line + "'"},
            environment);
    };
    BOOST_TEST(fish("mshvctl dest").out.starts_with("destroy\t"));
    BOOST_TEST(fish("mshvctl pause web").out == "web1\nweb2\n");
    BOOST_TEST(fish("mshvctl shutdown --escalate d").out.starts_with("destroy\t"));
    BOOST_TEST(fish("mshvctl shutdown --esc").out.starts_with("--escalate\t"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
