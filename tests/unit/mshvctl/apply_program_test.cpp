// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>

namespace {

using namespace mshv;
using test::partition_json;

std::string guest(const std::string& name) {
    return "<partition type='tcg'><name>" + name +
           "</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></partition>\n";
}

api::PartitionView view_of(const std::string& name, const std::string& state = "shutoff") {
    auto view = api::decode<api::PartitionView>(partition_json(7, name, state));
    view.revision = 4;
    return view;
}

struct ApplyFixture : test::ProgramFixture {
    ApplyFixture() { posix::make_directories(folder / "set", 0700); }

    std::string file(const std::string& name, const std::string& text) {
        posix::replace_file(folder / ("set/" + name), text);
        return folder / ("set/" + name);
    }
    /// The daemon's answer to every plan.
    void plans(api::PlanAction action, const std::string& name,
               std::optional<api::PartitionView> partition = {}) {
        api::Plan plan;
        plan.action = action;
        plan.name = name;
        plan.partition = std::move(partition);
        if (action == api::PlanAction::update) {
            plan.changes = {{"/memory/size", "1", "2", api::Takes::next_start},
                            {"/title", "", "new", api::Takes::live}};
        }
        daemon.on("POST /v1/plan", 200, api::encode(plan));
    }
    /// What would have changed something.
    std::vector<std::string> changing() {
        std::vector<std::string> found;
        for (const auto& request : daemon.requests()) {
            if (!request.starts_with("GET ") && !request.starts_with("POST /v1/plan") &&
                !request.starts_with("POST /v1/vmm-args")) {
                found.push_back(request);
            }
        }
        return found;
    }
    std::string owner() { return std::filesystem::canonical(folder / "set").string(); }
};

BOOST_FIXTURE_TEST_SUITE(apply, ApplyFixture)

BOOST_AUTO_TEST_CASE(a_new_file_is_defined_and_marked) {
    plans(api::PlanAction::create, "web");
    daemon.on("POST /v1/partitions", 201, api::encode(view_of("web")));
    const auto result = run({"apply", file("web.xml", guest("web"))});
    BOOST_TEST(result.status == 0, result.err);
    BOOST_TEST(result.out.find("create   web  ") == 0U);
    BOOST_TEST(result.out.find("Plan: 1 to create, 0 to update,") != std::string::npos);
    BOOST_TEST(result.out.ends_with("web created\n"));
    BOOST_REQUIRE(changing().size() == 1U);
    const auto request = changing().front();
    BOOST_TEST(request.find(R"("mode":"define")") != std::string::npos);
    BOOST_TEST(request.find(R"("cause":"applied")") != std::string::npos);
    BOOST_TEST(request.find(R"("owner":")" + owner() + "\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_update_names_the_revision_that_was_planned) {
    plans(api::PlanAction::update, "web", view_of("web"));
    const std::string route = "PUT /v1/partitions/uuid:0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f/spec";
    daemon.on(route, 200, api::encode(view_of("web")));
    const auto path = file("web.xml", guest("web"));
    const auto dry = run({"apply", "-N", path});
    BOOST_TEST(dry.status == 0);
    BOOST_TEST(
        dry.out.find("    /memory/size: 1 -> 2 (next-start)\n    /title: - -> new (live)\n") !=
        std::string::npos);
    BOOST_TEST(changing().empty());
    const auto result = run({"apply", path});
    BOOST_TEST(result.status == 0, result.err);
    BOOST_REQUIRE(changing().size() == 1U);
    BOOST_TEST(changing().front().find(R"("revision":4,"cause":"applied")") != std::string::npos);
    daemon.on(route, 409, api::encode_error(api::Error(api::ErrorCode::wrong_state, "changed")));
    BOOST_TEST(run({"apply", path}).status == 5);
}

BOOST_AUTO_TEST_CASE(nothing_to_do_is_nothing_done) {
    plans(api::PlanAction::none, "web", view_of("web"));
    const auto result = run({"apply", file("web.xml", guest("web"))});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out.find("1 unchanged\n") != std::string::npos);
    BOOST_TEST(changing().empty());
    daemon.on("POST /v1/partitions/uuid:0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f/start", 200,
              api::encode(view_of("web", "running")));
    BOOST_TEST(
        run({"apply", "--start", file("web.xml", guest("web"))}).out.ends_with("web started\n"));
    BOOST_TEST(changing().size() == 1U);
}

BOOST_AUTO_TEST_CASE(one_bad_file_and_nothing_is_done) {
    plans(api::PlanAction::create, "good");
    file("a.xml", guest("good"));
    file("b.xml", "<partition>");
    const auto result = run({"apply", folder / "set"});
    BOOST_TEST(result.status == 6);
    BOOST_TEST(result.err.find("b.xml") != std::string::npos);
    BOOST_TEST(result.err.find("1 of 2 files cannot be applied: nothing was done") !=
               std::string::npos);
    BOOST_TEST(daemon.requests().empty());
    file("b.xml", guest("good")); // a second file about the same
    const auto twice = run({"apply", folder / "set"});
    BOOST_TEST(twice.status == 6);
    BOOST_TEST(twice.err.find("the same partition as") != std::string::npos);
    BOOST_TEST(changing().empty());
}

BOOST_AUTO_TEST_CASE(pruning_takes_only_what_the_same_owner_made) {
    plans(api::PlanAction::create, "web");
    daemon.on("POST /v1/partitions", 201, api::encode(view_of("web")));
    auto own = view_of("own");
    own.owner = owner();
    auto other = view_of("other");
    other.owner = "/etc/others";
    auto transient = view_of("transient");
    transient.owner = owner();
    transient.persistent = false;
    daemon.on("GET /v1/partitions", 200,
              api::encode(api::PartitionList{{own, other, view_of("by-hand"), transient}, {}}));
    file("web.xml", guest("web"));
    const auto refused = run({"apply", "--prune", folder / "set"});
    BOOST_TEST(refused.status == 2); // nobody to ask
    BOOST_TEST(refused.out.find("remove   own\n") != std::string::npos);
    BOOST_TEST(refused.out.find("1 to remove") != std::string::npos);
    BOOST_TEST(changing().empty());
    daemon.on("DELETE /v1/partitions/uuid:0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f", 200,
              api::encode(own));
    const auto result = run({"apply", "--prune", "--yes", folder / "set"});
    BOOST_TEST(result.status == 0, result.err);
    BOOST_REQUIRE(changing().size() == 2U);
    BOOST_TEST(changing().back().starts_with("DELETE "));
    BOOST_TEST(changing().back().ends_with("?revision=4"));
    BOOST_TEST(run({"apply", "--prune", folder / "set/web.xml"}).status == 2);
}

BOOST_AUTO_TEST_CASE(nothing_is_removed_when_something_failed) {
    plans(api::PlanAction::create, "web");
    daemon.on("POST /v1/partitions", 409,
              api::encode_error(api::Error(api::ErrorCode::exists, "the name is taken")));
    auto own = view_of("own");
    own.owner = owner();
    daemon.on("GET /v1/partitions", 200, api::encode(api::PartitionList{{own}, {}}));
    file("web.xml", guest("web"));
    const auto result = run({"--json", "apply", "--prune", "--yes", folder / "set"});
    BOOST_TEST(result.status == 1); // both failed, and not alike
    BOOST_TEST(changing().size() == 1U);
    BOOST_TEST(result.out.starts_with(R"({"schema":"mshvctl.apply/1","dry_run":false)"));
    BOOST_TEST(result.out.find(R"("name":"own","action":"remove")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_another_owner_made_is_refused) {
    auto foreign = view_of("web");
    foreign.owner = "/etc/others";
    plans(api::PlanAction::update, "web", foreign);
    const auto result = run({"apply", file("web.xml", guest("web"))});
    BOOST_TEST(result.status == 4);
    BOOST_TEST(result.err.find("/etc/others") != std::string::npos);
    BOOST_TEST(changing().empty());
    daemon.on("PUT /v1/partitions/uuid:0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f/spec", 200,
              api::encode(foreign));
    BOOST_TEST(run({"apply", "--owner", "/etc/others", folder / "set/web.xml"}).status == 0);
}

BOOST_AUTO_TEST_CASE(a_recreate_wants_consent_and_an_off_partition) {
    plans(api::PlanAction::recreate, "web", view_of("web"));
    const auto path = file("web.xml", guest("web"));
    BOOST_TEST(run({"apply", path}).status == 2);
    BOOST_TEST(changing().empty());
    daemon.on("POST /v1/partitions", 201, api::encode(view_of("web")));
    BOOST_TEST(run({"apply", "-y", path}).status == 0);
    BOOST_REQUIRE(changing().size() == 1U);
    BOOST_TEST(changing().front().find(R"("recreates":4)") != std::string::npos);
    plans(api::PlanAction::recreate, "web", view_of("web", "running"));
    BOOST_TEST(run({"apply", "-y", path}).status == 5);
}

BOOST_AUTO_TEST_CASE(an_empty_folder_is_a_mistake) {
    BOOST_TEST(run({"apply", "--prune", "--yes", folder / "set"}).status == 3);
    BOOST_TEST(run({"apply", folder / "none"}).status == 3);
    BOOST_TEST(daemon.requests().empty());
}

BOOST_AUTO_TEST_SUITE_END()

/// An editor that is a shell script with `body`; $1 is the file.
struct ConfigFixture : ApplyFixture {
    ConfigFixture() {
        api::StoredDefinition stored;
        stored.spec.name = "web";
        stored.spec.uuid = view_of("web").uuid;
        stored.spec.memory.size = 64 << 20;
        stored.revision = 4;
        daemon.on("GET /v1/partitions/web/spec", 200, api::encode(stored));
        daemon.on(put, 200, api::encode(view_of("web")));
        plans(api::PlanAction::update, "web", view_of("web"));
        environment = {"TMPDIR=" + folder.operator/("set"), "PATH=/usr/bin:/bin"};
    }
    void edit_with(const std::string& body) {
        posix::replace_file(folder / "editor", "#!/bin/sh\n" + body + "\n", 0700);
        environment.push_back("EDITOR=" + (folder / "editor"));
    }
    /// The text of the file that was kept; empty when none was.
    std::string kept() {
        for (const auto& entry : std::filesystem::directory_iterator(folder / "set")) {
            return posix::read_file(entry.path().string(), 1 << 20);
        }
        return {};
    }

    std::string put = "PUT /v1/partitions/uuid:0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f/spec";
};

BOOST_FIXTURE_TEST_SUITE(config, ConfigFixture)

BOOST_AUTO_TEST_CASE(an_edit_goes_back_with_its_revision) {
    edit_with("sed -i 's/<memory[^<]*</<memory unit=\"MiB\">128</' \"$1\"");
    const auto dry = run({"config", "-N", "edit", "web"});
    BOOST_TEST(dry.status == 0, dry.err);
    BOOST_TEST(changing().empty());
    const auto result = run({"config", "edit", "web"});
    BOOST_TEST(result.status == 0, result.err);
    BOOST_TEST(result.out.starts_with("web is at revision 4\n    /memory/size: 1 -> 2"));
    BOOST_REQUIRE(changing().size() == 1U);
    BOOST_TEST(changing().front().find("\"size\":134217728") != std::string::npos);
    BOOST_TEST(changing().front().find(R"("revision":4,"cause":"edited")") != std::string::npos);
    BOOST_TEST(kept().empty());
}

BOOST_AUTO_TEST_CASE(an_edit_without_a_change_is_none) {
    edit_with("true");
    const auto result = run({"config", "edit", "web"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.err.find("nothing was changed") != std::string::npos);
    BOOST_TEST(changing().empty());
    BOOST_TEST(kept().empty());
}

BOOST_AUTO_TEST_CASE(a_text_that_cannot_be_stored_is_kept) {
    edit_with("sed -i 's/<name>/<!-- mine --><name>/' \"$1\"");
    daemon.on(put, 409, api::encode_error(api::Error(api::ErrorCode::wrong_state, "changed")));
    const auto late = run({"config", "edit", "web"});
    BOOST_TEST(late.status == 5);
    BOOST_TEST(late.err.find("your text is kept in " + (folder / "set/mshvctl-edit-")) !=
               std::string::npos);
    BOOST_TEST(kept().find("<!-- mine -->") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_text_that_is_not_valid_is_kept) {
    edit_with("echo '<partition>' >\"$1\"");
    const auto result = run({"config", "edit", "web"});
    BOOST_TEST(result.status == 6);
    BOOST_TEST(kept() == "<partition>\n");
    BOOST_TEST(changing().empty());
}

BOOST_AUTO_TEST_CASE(an_editor_that_fails_changes_nothing) {
    edit_with("exit 3");
    BOOST_TEST(run({"config", "edit", "web"}).status == 1);
    environment.push_back("VISUAL=no-such-editor -w");
    BOOST_TEST(run({"config", "edit", "web"}).status == 3);
    BOOST_TEST(changing().empty());
}

BOOST_AUTO_TEST_CASE(log_diff_and_rollback) {
    api::RevisionList list{2,
                           1,
                           {{2, 1000, "uid 0 pid 9", api::Cause::edited, ""},
                            {1, 1000, "uid 0 pid 8", api::Cause::defined, ""}}};
    daemon.on("GET /v1/partitions/web/revisions", 200, api::encode(list));
    const auto log = run({"config", "log", "web"});
    BOOST_TEST(log.status == 0);
    BOOST_TEST(log.out.find("uid 0 pid 9  edited           current\n") != std::string::npos,
               log.out);
    BOOST_TEST(log.out.find("uid 0 pid 8  defined          running\n") != std::string::npos,
               log.out);
    BOOST_TEST(run({"--json", "config", "log", "web"})
                   .out.starts_with(R"({"schema":"mshvctl.config/1","current":2,"running":1,)"));
    daemon.on("GET /v1/partitions/web/changes", 200, R"({"from":1,"to":2,"changes":[]})");
    BOOST_TEST(run({"config", "diff", "web", "--from", "1"}).out ==
               "Revision 1 -> 2: nothing differs\n");
    BOOST_TEST(daemon.requests().back().ends_with("?from=1"));
    daemon.on("GET /v1/partitions/web", 200, api::encode(view_of("web")));
    daemon.on("POST /v1/partitions/web/rollback", 200, api::encode(view_of("web")));
    BOOST_TEST(run({"config", "rollback", "-N", "web", "1"}).status == 0);
    BOOST_TEST(changing().empty());
    BOOST_TEST(run({"config", "rollback", "web", "1"}).status == 0);
    BOOST_TEST(changing().back().ends_with(R"({"to":1,"revision":4})"));
    BOOST_TEST(run({"config", "rollback", "web"}).status == 2);
    BOOST_TEST(run({"config", "log", "web", "1"}).status == 2);
    BOOST_TEST(run({"config", "frobnicate", "web"}).status == 2);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(batch, ApplyFixture)

BOOST_AUTO_TEST_CASE(every_verb_that_changes_something_knows_dry_run) {
    const auto path = file("web.xml", guest("web"));
    plans(api::PlanAction::create, "web");
    daemon.on("GET /v1/partitions/web", 200, api::encode(view_of("web")));
    daemon.on("GET /v1/partitions/web/changes", 200, R"({"from":1,"to":2,"changes":[]})");
    const std::vector<std::vector<std::string>> commands{
        {"create", path},
        {"define", path},
        {"apply", path},
        {"start", "web"},
        {"shutdown", "web"},
        {"shutdown", "-w", "web"},
        {"reboot", "-w", "web"},
        {"reset", "web"},
        {"destroy", "web"},
        {"pause", "web"},
        {"unpause", "web"},
        {"undefine", "web"},
        {"trigger", "web", "nmi"},
        {"rename", "web", "www"},
        {"autostart", "--enable", "web"},
        {"config", "rollback", "web", "1"},
    };
    for (const auto& command : commands) {
        for (const bool json : {false, true}) {
            auto words = command;
            words.insert(words.begin(), "-N");
            if (json) {
                words.insert(words.begin(), "--json");
            }
            const auto result = run(words);
            BOOST_TEST(result.status == 0, command.front() << ": " << result.err);
            BOOST_TEST(!result.out.empty(), command.front());
            BOOST_TEST((result.out.front() == '{') == json, command.front() << result.out);
        }
    }
    for (const auto& request : changing()) {
        BOOST_ERROR(request);
    }
}

BOOST_AUTO_TEST_CASE(partitions_are_chosen_by_pattern_and_label) {
    auto db1 = view_of("db1", "running");
    db1.labels = {{"role", "db"}, {"tier", "a"}};
    auto db2 = view_of("db2", "running");
    db2.labels = {{"role", "db"}, {"tier", "b"}};
    daemon.on("GET /v1/partitions", 200,
              api::encode(
                  api::PartitionList{{db1, db2, view_of("web1", "running"), view_of("web2")}, {}}));
    const auto would = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"-N", "pause"});
        return run(words).out;
    };
    BOOST_TEST(would({"-l", "role=db"}) == "would pause db1\nwould pause db2\n");
    BOOST_TEST(would({"-l", "role", "-l", "tier=b"}) == "would pause db2\n");
    BOOST_TEST(would({"web*"}) == "would pause web1\n"); // the other is off
    BOOST_TEST(would({"*1", "-l", "role=db"}) == "would pause db1\n");
    BOOST_TEST(would({"db?", "web1"}) == "would pause web1\nwould pause db1\nwould pause db2\n");
    BOOST_TEST(run({"pause", "x*"}).status == 3);
    BOOST_TEST(run({"pause", "-l", "role=web"}).status == 3);
    BOOST_TEST(run({"pause", "-l", "=x"}).status == 2);
    BOOST_TEST(run({"pause", "-l", "role", "db1"}).status == 2);
    BOOST_TEST(run({"pause", "-a", "db*"}).status == 2);
    BOOST_TEST(run({"undefine", "--if-exists", "x*"}).status == 0);
    BOOST_TEST(run({"list", "-o", "name", "--no-header", "--label", "role", "db*"}).out ==
               "db1\ndb2\n");
    BOOST_TEST(changing().empty());
}

BOOST_AUTO_TEST_CASE(several_at_a_time_are_reported_in_order) {
    std::vector<std::string> words{"--json", "pause", "--parallel", "8"};
    for (int i = 0; i < 30; ++i) {
        const std::string name = "p" + std::to_string(i);
        words.push_back(name);
        if (i % 3 == 0) {
            daemon.on("POST /v1/partitions/" + name + "/pause", 409,
                      api::encode_error(api::Error(api::ErrorCode::wrong_state, "off")));
        } else {
            daemon.on("POST /v1/partitions/" + name + "/pause", 200,
                      partition_json(i + 1, name, "paused"));
        }
    }
    const auto result = run(words);
    BOOST_TEST(result.status == 13);
    BOOST_TEST(result.err.find("10 of 30 partitions failed") != std::string::npos);
    std::size_t at = 0;
    for (int i = 0; i < 30; ++i) {
        const auto next = result.out.find("\"target\":\"p" + std::to_string(i) + "\"", at);
        BOOST_REQUIRE(next != std::string::npos);
        at = next;
    }
    BOOST_TEST(daemon.requests().size() == 30U);
    BOOST_TEST(run({"pause", "--parallel", "65", "a"}).status == 2);
}

BOOST_AUTO_TEST_CASE(what_is_there_or_is_not_can_be_well) {
    const auto path = file("web.xml", guest("web"));
    daemon.on("POST /v1/partitions", 409,
              api::encode_error(api::Error(api::ErrorCode::exists, "there is one")));
    BOOST_TEST(run({"define", path}).status == 4);
    BOOST_TEST(run({"define", "--if-not-exists", path}).status == 4); // it was not the name
    daemon.on("GET /v1/partitions/name:web", 200, api::encode(view_of("web")));
    const auto there = run({"define", "--if-not-exists", path});
    BOOST_TEST(there.status == 0);
    BOOST_TEST(there.out == "There is already partition web, number 7\n");
    BOOST_TEST(run({"create", "--if-not-exists", path}).status == 0);
    BOOST_TEST(run({"define", "--if-not-exists", "--replace", path}).status == 2);
    BOOST_TEST(run({"undefine", "gone"}).status == 3);
    BOOST_TEST(run({"undefine", "--if-exists", "gone"}).status == 0);
    BOOST_TEST(run({"destroy", "--if-exists", "gone"}).status == 0);
    daemon.on("POST /v1/partitions/off/destroy", 409,
              api::encode_error(api::Error(api::ErrorCode::wrong_state, "it is off")));
    daemon.on("GET /v1/partitions/off", 200, api::encode(view_of("off")));
    BOOST_TEST(run({"destroy", "off"}).status == 5);
    BOOST_TEST(run({"destroy", "--if-exists", "off"}).status == 0);
    daemon.on("GET /v1/partitions/off", 200, api::encode(view_of("off", "running")));
    BOOST_TEST(run({"destroy", "--if-exists", "off"}).status == 5);
}

BOOST_AUTO_TEST_CASE(a_command_line_is_quoted_for_a_shell) {
    const api::VmmArguments made{
        "/usr/bin/qemu", {"qemu", "-append", "a 'b'", "-S"}, "tcg", "r", "qemu 7"};
    daemon.on("GET /v1/partitions/web/vmm-args", 200, api::encode(made));
    daemon.on("POST /v1/vmm-args", 200, api::encode(made));
    const std::string text = "/usr/bin/qemu \\\n    -append 'a '\\''b'\\''' \\\n    -S\n";
    BOOST_TEST(run({"vmm-args", "web"}).out == text);
    BOOST_TEST(run({"vmm-args", file("web.xml", guest("web"))}).out == text);
    BOOST_TEST(run({"--json", "vmm-args", "web"})
                   .out.starts_with(R"({"schema":"mshvctl.vmm-args/1","vmm":{"program":)"));
    BOOST_TEST(changing().empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
