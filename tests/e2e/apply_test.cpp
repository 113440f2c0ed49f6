// SPDX-License-Identifier: Apache-2.0
//
// Definitions over time: apply, config, the revisions behind them, and commands for many.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <sys/stat.h>

using namespace mshv::e2e;

namespace {

/// A folder of guests.
struct Folder {
    explicit Folder(Host& host) : host_(host), path(host.path("guests")) {
        std::filesystem::create_directory(path);
    }
    void write(const GuestXml& guest) {
        host_.write_file("guests/" + guest.name + ".xml", guest.text());
    }
    void remove(const std::string& name) { std::filesystem::remove(path + "/" + name + ".xml"); }

private:
    Host& host_;

public:
    const std::string path;
};

/// mshvctl with an editor that is a shell script; $1 is the file.
Program editor_session(Host& host, const std::string& name, const std::string& script) {
    const auto editor = host.write_file("editor-" + name, "#!/bin/sh\n" + script + "\n", 0755);
    return Program({mshvctl_path(), "config", "edit", "web"},
                   {.env = {"MSHV_SOCKET=" + host.socket(), "EDITOR=" + editor,
                            "PATH=/usr/bin:/bin", "TMPDIR=" + host.path("edits")},
                    .input = ""});
}

/// A named pipe of which this side holds both ends.
struct Fifo {
    explicit Fifo(std::string at) : path(std::move(at)) {
        mshv::posix::check(::mkfifo(path.c_str(), 0600), path);
        end = mshv::posix::open_file(path, O_RDWR);
    }
    void read_lines(int count) const {
        std::array<char, 64> block{};
        for (long seen = 0; seen < count;) {
            const auto got = mshv::posix::read_some(end.get(), block, guest_time(), path);
            seen += std::count(block.begin(), block.begin() + static_cast<long>(got), '\n');
        }
    }
    std::string path;
    mshv::posix::Fd end;
};

std::vector<std::string> argv_of(pid_t pid) {
    std::vector<std::string> words;
    std::string word;
    for (const char c :
         mshv::posix::read_file("/proc/" + std::to_string(pid) + "/cmdline", 1 << 20)) {
        if (c == '\0') {
            words.push_back(std::move(word));
            word.clear();
        } else {
            word += c;
        }
    }
    return words;
}

std::string with_one_run(std::string word, const std::string& incarnation) {
    for (auto at = word.find(incarnation); at != std::string::npos; at = word.find(incarnation)) {
        word.replace(at, incarnation.size(), "000000000000");
    }
    return word;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_folder_is_applied_and_the_second_time_nothing_is_done) {
    Host host({.fake_vmm = true});
    Folder folder(host);
    for (const char* name : {"a", "b", "c"}) {
        folder.write(host.fake_guest(name));
    }
    host.define(host.fake_guest("by-hand"));
    BOOST_TEST(contains(host.ok({"apply", "-N", folder.path}), "Plan: 3 to create"));
    BOOST_TEST(!host.exists("a"));
    BOOST_TEST(contains(host.ok({"apply", "--start", folder.path}), "a created and started"));
    BOOST_TEST(host.view("b")["state"].text() == "running");
    const auto before = host.last_event();
    BOOST_TEST(contains(host.ok({"apply", "--start", "--prune", folder.path}), "3 unchanged"));
    BOOST_TEST(host.last_event() == before);

    // One file is changed, one is gone, and the daemon dies between.
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    auto changed = host.fake_guest("a");
    changed.memory_mib = 256;
    changed.mshv = {"<labels><label name='role'>db</label></labels>"};
    folder.write(changed);
    folder.remove("c");
    const auto plan = Json::parse(host.ok({"--json", "apply", "-N", "--prune", folder.path}));
    BOOST_TEST(plan["dry_run"].flag());
    const auto items = plan["items"].items();
    BOOST_REQUIRE_EQUAL(items.size(), 3U);
    BOOST_TEST(items[0]["action"].text() == "update");
    std::set<std::string> changes;
    for (const auto& change : items[0]["changes"].items()) {
        changes.insert(change["path"].text() + " " + change["takes"].text());
    }
    BOOST_TEST(changes.contains("/memory/size next-start"));
    BOOST_TEST(changes.contains("/labels live"));
    BOOST_TEST(items[1]["action"].text() == "none");
    BOOST_TEST(items[2]["action"].text() == "remove");
    BOOST_TEST(items[2]["name"].text() == "c");
    host.fails(2, {"apply", "--prune", folder.path}); // nobody to ask
    BOOST_TEST(host.view("a")["revision"].number() == 1);
    host.ok({"apply", "--prune", "--yes", folder.path});
    BOOST_TEST(host.view("a")["revision"].number() == 2);
    BOOST_TEST(host.view("a")["labels"]["role"].text() == "db");
    BOOST_TEST(host.view("a")["runtime"]["pending"].flag());
    BOOST_TEST(contains(host.ok({"list", "-v"}), " *\n"));
    BOOST_TEST(!host.view("c")["persistent"].flag()); // it runs on until it ends
    BOOST_TEST(host.exists("by-hand"));
    host.ok({"destroy", "-a"});
    BOOST_TEST(!host.exists("c"));
}

BOOST_AUTO_TEST_CASE(another_folder_and_by_hand_are_left_alone) {
    Host host({.fake_vmm = true});
    Folder folder(host);
    folder.write(host.fake_guest("a"));
    host.define(host.fake_guest("by-hand"));
    host.ok({"apply", folder.path});
    std::filesystem::create_directory(host.path("others"));
    host.write_file("others/x.xml", host.fake_guest("x").text());
    host.ok({"apply", "--prune", "--yes", host.path("others")});
    BOOST_TEST(host.exists("a"));
    // Its folder's name is the mark: the same partition from another folder is refused.
    host.write_file("others/a.xml", host.fake_guest("a").text());
    BOOST_TEST(contains(host.fails(4, {"apply", host.path("others")}), folder.path));
    // What was there before is updated, and never pruned.
    folder.write(host.fake_guest("by-hand", {"ignore-quit"}));
    host.ok({"apply", folder.path});
    BOOST_TEST(host.view("by-hand")["revision"].number() == 2);
    folder.remove("by-hand");
    BOOST_TEST(contains(host.ok({"apply", "--prune", "--yes", folder.path}), "0 to remove"));
    BOOST_TEST(host.exists("by-hand"));
}

BOOST_AUTO_TEST_CASE(another_uuid_is_another_partition) {
    Host host({.fake_vmm = true});
    Folder folder(host);
    auto guest = host.fake_guest("web");
    guest.uuid = "0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e60";
    folder.write(guest);
    host.ok({"apply", "--start", folder.path});
    const auto id = host.view("web")["id"].number();
    guest.uuid = "0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e61";
    folder.write(guest);
    BOOST_TEST(contains(host.fails(5, {"apply", "-y", folder.path}), "runs"));
    host.ok({"destroy", "web"});
    host.fails(2, {"apply", folder.path});
    BOOST_TEST(contains(host.ok({"apply", "-y", folder.path}), "web recreated"));
    BOOST_TEST(host.view("web")["uuid"].text() == guest.uuid);
    BOOST_TEST(host.view("web")["id"].number() > id);
}

BOOST_AUTO_TEST_CASE(a_running_guest_takes_what_is_live_and_waits_with_the_rest) {
    Host host;
    Folder folder(host);
    GuestXml guest{.name = "web", .steps = "line,reboot"};
    folder.write(guest);
    host.ok({"apply", "--start", folder.path});
    host.wait_console("web", "MSHV-GUEST-WAITS");
    const auto vmm = host.vmm_pid("web");

    // What would be started is what was started.
    const auto incarnation = host.view("web")["runtime"]["incarnation"].text();
    auto started = argv_of(vmm);
    const auto planned = Json::parse(host.ok({"--json", "vmm-args", "web"}))["vmm"]["argv"].items();
    BOOST_REQUIRE_EQUAL(started.size(), planned.size());
    for (std::size_t i = 1; i < started.size(); ++i) {
        BOOST_TEST(with_one_run(started[i], incarnation) == planned[i].text());
    }
    BOOST_TEST(contains(host.ok({"vmm-args", folder.path + "/web.xml"}), "-name guest=web"));

    guest.on_reboot = "destroy";
    guest.memory_mib = 192;
    folder.write(guest);
    host.ok({"apply", folder.path});
    BOOST_TEST(host.vmm_pid("web") == vmm); // it ran through
    BOOST_TEST(host.view("web")["runtime"]["pending"].flag());
    const auto diff = host.ok({"config", "diff", "web"});
    BOOST_TEST(contains(diff, "Revision 1 -> 2:"));
    BOOST_TEST(contains(diff, "/memory/size: 134217728 -> 201326592 (next-start)"));
    BOOST_TEST(contains(diff, "/on_reboot: restart -> destroy (live)"));

    // The keeper has the new policy: the guest's reboot is its end now.
    auto console = host.session({"console", "--replay", "0", "web"});
    console.write("go\n");
    host.wait_state("web", "shutoff", 300s);
    host.ok({"start", "web"});
    BOOST_TEST(!host.view("web")["runtime"]["pending"].flag());
    BOOST_TEST(host.view("web")["runtime"]["revision"].number() == 2);
    const auto again = argv_of(host.vmm_pid("web"));
    BOOST_TEST((std::find(again.begin(), again.end(), "192M") != again.end()));
    host.wait_console("web", "MSHV-GUEST-HELLO");
}

BOOST_AUTO_TEST_CASE(many_editors_of_one_definition) {
    Host host({.fake_vmm = true});
    host.define(host.fake_guest("web"));
    std::filesystem::create_directory(host.path("edits"));
    constexpr int count = 20;
    // All have read before the first one writes.
    const Fifo begun(host.path("begun"));
    const Fifo go(host.path("go"));
    std::vector<Program> editors;
    for (int i = 0; i < count; ++i) {
        const auto n = std::to_string(i);
        editors.push_back(editor_session(host, n,
                                         "echo >" + begun.path + "; read x <" + go.path +
                                             "; sed -i 's/<name>web/<!-- editor " + n +
                                             " --><name>web/' \"$1\""));
    }
    begun.read_lines(count);
    mshv::posix::write_all(go.end.get(), std::string(count, '\n'), soon(), "go");
    int winners = 0;
    for (auto& editor : editors) {
        const auto outcome = editor.finish(guest_time());
        winners += outcome.status == 0 ? 1 : 0;
        // Too late: it has changed meanwhile, or is being changed in this moment.
        const bool refused = (outcome.status == 5 || outcome.status == 8) &&
                             contains(outcome.err, "your text is kept in");
        BOOST_TEST((outcome.status == 0 || refused), outcome.status << " " << outcome.err);
    }
    BOOST_TEST(winners == 1);
    BOOST_TEST(host.view("web")["revision"].number() == 2);
    // Nobody's work is lost.
    std::set<std::string> texts;
    for (const auto& entry : std::filesystem::directory_iterator(host.path("edits"))) {
        texts.insert(mshv::posix::read_file(entry.path().string(), 1 << 20));
    }
    BOOST_TEST(texts.size() == static_cast<std::size_t>(count - 1));
    BOOST_TEST(contains(host.ok({"dumpxml", "--as-given", "web"}), "<!-- editor "));
}

BOOST_AUTO_TEST_CASE(the_daemon_dies_at_each_step_of_an_apply) {
    for (const std::string point :
         {"control.before_redefine", "control.after_redefine", "control.before_policy",
          "control.after_policy", "control.before_recreate", "control.after_recreate"}) {
        BOOST_TEST_CONTEXT(point) {
            Host host({.fake_vmm = true});
            Folder folder(host);
            auto guest = host.fake_guest("web");
            guest.uuid = "0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e60";
            folder.write(guest);
            host.ok({"apply", "--start", folder.path});
            host.kill_daemon();
            BOOST_REQUIRE(host.start_daemon(point));
            if (contains(point, "recreate")) {
                host.ok({"destroy", "web"});
                guest.uuid = "0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e61";
            }
            guest.on_reboot = "destroy";
            guest.memory_mib = 256;
            folder.write(guest);
            (void)host.ctl({"apply", "--yes", folder.path});
            (void)host.wait_daemon_ended();
            BOOST_REQUIRE(host.start_daemon());
            // One or the other, whole.
            const auto view = host.view("web");
            const bool is_new = view["memory"].number() == 256 << 20;
            BOOST_TEST(view["revision"].number() ==
                       (is_new && !contains(point, "recreate") ? 2 : 1));
            BOOST_TEST(contains(host.ok({"dumpxml", "web"}), "<on_reboot>destroy") == is_new);
            host.ok({"apply", "--yes", folder.path});
            BOOST_TEST(host.view("web")["memory"].number() == 256 << 20);
            BOOST_TEST(host.view("web")["uuid"].text() == guest.uuid);
            BOOST_TEST(contains(host.ok({"apply", folder.path}), "1 unchanged"));
        }
    }
}

BOOST_AUTO_TEST_CASE(log_and_rollback) {
    Host host({.fake_vmm = true});
    auto guest = host.fake_guest("web");
    host.define(guest);
    guest.memory_mib = 256;
    host.ok({"define", "--replace", host.write_file("web.xml", guest.text())});
    host.ok({"rename", "web", "www"});
    host.ok({"autostart", "--enable", "www"});
    BOOST_TEST(contains(host.ok({"config", "rollback", "-N", "www", "1"}),
                        "/memory/size: 268435456 -> 134217728"));
    host.ok({"config", "rollback", "www", "1"});
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST(host.view("www")["memory"].number() == 128 << 20);
    BOOST_TEST(!host.view("www")["autostart"].flag());
    const auto log = Json::parse(host.ok({"--json", "config", "log", "www"}))["items"].items();
    BOOST_REQUIRE_EQUAL(log.size(), 5U);
    const std::vector<std::string> causes{"rolled-back", "autostart", "renamed", "replaced",
                                          "defined"};
    for (std::size_t i = 0; i < causes.size(); ++i) {
        BOOST_TEST(log[i]["cause"].text() == causes[i]);
        BOOST_TEST(contains(log[i]["actor"].text(), "uid "));
    }
    host.fails(3, {"config", "rollback", "www", "9"});
}

BOOST_AUTO_TEST_CASE(many_by_label_and_pattern_at_a_time) {
    Host host({.fake_vmm = true});
    constexpr int count = 12;
    for (int i = 0; i < count; ++i) {
        auto guest = host.fake_guest("g" + std::to_string(i));
        guest.mshv = {std::string("<labels><label name='role'>") + (i % 2 == 0 ? "db" : "web") +
                      "</label></labels>"};
        host.define(guest);
    }
    host.ok({"start", "-l", "role=db", "--parallel", "4"});
    BOOST_TEST(contains(host.ok({"list", "-o", "name", "--label", "role=db"}), "g10"));
    BOOST_TEST(host.ok({"list", "-o", "name", "--no-header", "--label", "role=web"}).empty());
    // Some run already: named one by one that is their failure, and 13 is what it comes to.
    host.fails(13, {"start", "--parallel", "8", "g0", "g1", "g2", "g3"});
    host.ok({"start", "--parallel", "8", "g*"});
    host.ok({"destroy", "--parallel", "8", "g?"});
    for (const auto& row : host.rows()) {
        const bool two_digits = row["name"].text().size() == 3;
        BOOST_TEST(row["state"].text() == (two_digits ? "running" : "shutoff"));
    }
    host.ok({"destroy", "--if-exists", "g0", "g10", "none"});
    host.ok({"undefine", "--if-exists", "none", "g0"});
    host.fails(3, {"undefine", "x*"});
}

BOOST_AUTO_TEST_CASE(what_is_there_is_replaced_or_left_as_asked) {
    Host host({.fake_vmm = true});
    auto guest = host.fake_guest("web");
    const auto file = host.write_file("web.xml", guest.text());
    host.ok({"create", "--define", file});
    host.ok({"create", "--if-not-exists", file});
    host.ok({"define", "--if-not-exists", file});
    BOOST_TEST(host.view("web")["revision"].number() == 1);
    host.fails(5, {"create", "--define", "--replace", file}); // it runs
    host.ok({"destroy", "web"});
    guest.memory_mib = 256;
    host.write_file("web.xml", guest.text());
    host.ok({"create", "--define", "--replace", file});
    BOOST_TEST(host.view("web")["state"].text() == "running");
    BOOST_TEST(host.view("web")["memory"].number() == 256 << 20);
    BOOST_TEST(host.rows().size() == 1U);
}
