// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/keeper_text.hpp"
#include "tests/unit/vmm/scene.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>

namespace {

using namespace mshv;
using keeper::Message;
using Kind = vmm::KeeperEvent::Kind;

Message event(const char* kind) {
    return Message("event").set("seq", 3).set("at_ms", 1000).set("kind", kind).set("generation", 2);
}

} // namespace

BOOST_AUTO_TEST_CASE(an_event_is_read_whole) {
    auto line = event("vmm-exited");
    line.set("reason", "guest-reboot")
        .set("exit_signal", 9)
        .set("vmm_pid", 4711)
        .set("vmm_ticks", 5);
    line.set("detail", "gone\x1b[0m\nlast words");
    const auto got = vmm::to_event(line);
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST(got->seq == 3);
    BOOST_TEST((got->kind == Kind::vmm_exited));
    BOOST_TEST((got->reason == api::Reason::guest_reboot));
    BOOST_TEST((got->exit == posix::ExitStatus{true, 9}));
    BOOST_TEST((got->vmm == posix::ProcessIdentity{4711, 5}));
    BOOST_TEST(got->detail == "gone\\x1b[0m\nlast words");
}

BOOST_AUTO_TEST_CASE(a_keeper_of_a_newer_release_is_understood) {
    BOOST_TEST(!vmm::to_event(event("something-new")).has_value());
    auto line = event("running");
    line.set("reason", "a-new-reason").set("more", "x");
    BOOST_TEST((vmm::to_event(line)->reason == api::Reason::none));
}

BOOST_AUTO_TEST_CASE(what_is_no_process_is_never_signalled) {
    for (const char* pid : {"0", "-1", "1", "-4711", "99999999999"}) {
        auto line = event("vmm-started");
        line.set("vmm_pid", pid).set("vmm_ticks", 5);
        BOOST_CHECK_THROW(vmm::to_event(line), keeper::ProtocolError);
    }
    auto line = Message("event").set("kind", "running").set("at_ms", 1);
    BOOST_CHECK_THROW(vmm::to_event(line), keeper::ProtocolError);
}

BOOST_AUTO_TEST_CASE(answers_become_errors) {
    const auto error = [](const char* code) {
        return vmm::to_error(Message("error").set("code", code).set("message", "no"), "pause")
            .code();
    };
    BOOST_TEST((error("timeout") == api::ErrorCode::timeout));
    BOOST_TEST((error("vmm_gone") == api::ErrorCode::wrong_state));
    BOOST_TEST((error("vmm_faulty") == api::ErrorCode::failed));
    BOOST_TEST((error("unheard-of") == api::ErrorCode::failed));
    const auto busy = vmm::to_error(
        Message("error").set("code", "busy").set("message", "x").set("writer", "uid 7\n"),
        "attach");
    BOOST_TEST(busy.message() == "The console is in use by uid 7\\n");
}

BOOST_AUTO_TEST_CASE(a_state_file_is_read_or_not_at_all) {
    const test::Folder folder;
    const auto write = [&](const std::string& text) { std::ofstream(folder / "state") << text; };
    const std::string run_dir = (folder / "").substr(0, (folder / "").size() - 1);
    BOOST_TEST(!vmm::read_keeper_state(run_dir).has_value());
    const std::string good = "state\tkeeper_pid=100\tkeeper_ticks=5\tvmm_pid=101\tvmm_ticks=6\t"
                             "generation=1\tboot_id=b\tnonce=n\tname=x\tuuid=u\n";
    write(good);
    const auto state = vmm::read_keeper_state(run_dir);
    BOOST_REQUIRE(state.has_value());
    BOOST_TEST((state->keeper == posix::ProcessIdentity{100, 5}));
    BOOST_TEST((state->vmm == posix::ProcessIdentity{101, 6}));
    for (std::size_t size = 0; size < good.size(); ++size) {
        write(good.substr(0, size));
        BOOST_TEST(!vmm::read_keeper_state(run_dir).has_value());
    }
    write("state\tkeeper_pid=-1\tkeeper_ticks=5\n");
    BOOST_TEST(!vmm::read_keeper_state(run_dir).has_value());
}

BOOST_AUTO_TEST_CASE(a_torn_journal_is_read_up_to_the_tear) {
    const test::Folder folder;
    std::ofstream(folder / "events") << "event\tseq=1\tat_ms=1\tkind=running\tgeneration=1\n"
                                     << "event\tseq=2\tat_ms=1\tkind=paused\tgeneration=1\n"
                                     << "event\tseq=3\tat_ms=1\tki";
    const std::string run_dir = (folder / "").substr(0, (folder / "").size() - 1);
    BOOST_TEST(vmm::read_journal(run_dir, 0).size() == 2U);
    const auto later = vmm::read_journal(run_dir, 1);
    BOOST_REQUIRE_EQUAL(later.size(), 1U);
    BOOST_TEST((later[0].kind == Kind::paused));
}

BOOST_AUTO_TEST_CASE(a_launch_note_comes_back) {
    const test::Folder folder;
    const std::string run_dir = (folder / "").substr(0, (folder / "").size() - 1);
    vmm::write_launch_note(run_dir, {api::Accelerator::mshv, "qemu 11.1.3", true, "/k\t,%"});
    const auto note = vmm::read_launch_note(run_dir);
    BOOST_TEST((note.accelerator == api::Accelerator::mshv));
    BOOST_TEST(note.vmm_version == "qemu 11.1.3");
    BOOST_TEST(note.agent);
    BOOST_TEST(note.kernel == "/k\t,%");
    BOOST_TEST(vmm::read_launch_note("/nowhere").vmm_version.empty());
}
