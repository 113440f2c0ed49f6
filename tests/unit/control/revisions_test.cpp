// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

namespace mshv::testing {
namespace {

using api::Cause;
using api::CreateMode;
using api::ErrorCode;
using api::PlanAction;
using api::State;

struct Revisions : Whole {
    /// The present definition of "web" after `edit`.
    template <typename Edit>
    api::ReplaceRequest edited(Edit edit) {
        const auto stored = service().definition(by_name("web"), {});
        api::ReplaceRequest request;
        request.spec = stored.spec;
        request.revision = stored.revision;
        request.cause = Cause::edited;
        edit(request.spec);
        return request;
    }
    api::PartitionView replace(const api::ReplaceRequest& request) {
        return service().replace(by_name("web"), request, tester, at_once());
    }
    std::vector<domain::EndPolicy> policies() {
        const auto keepers = machine().keepers();
        return keepers.empty() ? std::vector<domain::EndPolicy>{}
                               : keepers.begin()->second.policies;
    }
};

BOOST_FIXTURE_TEST_SUITE(revisions, Revisions)

BOOST_AUTO_TEST_CASE(two_editors_do_not_overwrite_each_other) {
    define("web");
    const auto mine = edited([](auto& spec) { spec.title = "mine"; });
    const auto yours = edited([](auto& spec) { spec.description = "yours"; });
    BOOST_TEST(replace(mine).revision == 2);
    BOOST_TEST((code_of([&] { replace(yours); }) == ErrorCode::wrong_state));
    BOOST_TEST(service().definition(by_name("web"), {}).spec.description.empty());
    BOOST_TEST(replace(edited([](auto& spec) { spec.description = "yours"; })).revision == 3);
    BOOST_TEST(service().definition(by_name("web"), {}).spec.title == "mine");
}

BOOST_AUTO_TEST_CASE(no_increment_of_many_editors_is_lost) {
    define("web");
    // Boost.Test's macros belong to one thread: the editors count, and the test looks when they are done.
    std::atomic<unsigned> added = 0;
    std::atomic<unsigned> failed = 0;
    {
        std::vector<std::jthread> editors;
        for (int n = 0; n < 8; ++n) {
            editors.emplace_back([&] {
                for (int i = 0; i < 20; ++i) {
                    const auto code = code_of([&] {
                        const auto request = edited([](auto& spec) { ++spec.autostart.order; });
                        service().replace(by_name("web"), request, tester, soon());
                    });
                    added += code ? 0 : 1;
                    failed += code && code != ErrorCode::wrong_state ? 1 : 0;
                }
            });
        }
    }
    BOOST_TEST(failed == 0U);
    BOOST_TEST(service().definition(by_name("web"), {}).spec.autostart.order == 100 + added);
    BOOST_TEST(get("web").revision == 1 + added);
}

BOOST_AUTO_TEST_CASE(what_says_the_same_is_no_revision) {
    define("web");
    const auto before = service().events(0, 100, {}, at_once()).last_seq;
    BOOST_TEST(replace(edited([](auto&) {})).revision == 1);
    BOOST_TEST(service().events(0, 100, {}, at_once()).last_seq == before);
}

BOOST_AUTO_TEST_CASE(a_run_knows_what_it_was_started_with) {
    define("web");
    replace(edited([](auto& spec) { spec.title = "t"; }));
    auto view = start("web");
    BOOST_TEST(view.runtime->revision == 2);
    BOOST_TEST(!view.runtime->pending);
    view = replace(edited([](auto& spec) { spec.title = "u"; }));
    BOOST_TEST(!view.runtime->pending);
    view = replace(edited([](auto& spec) { spec.memory.size *= 2; }));
    BOOST_TEST(view.runtime->pending);
    const auto pending = service().changes(by_name("web"), {}, {});
    BOOST_TEST(pending.from == 2);
    BOOST_TEST(pending.to == 4);
    BOOST_TEST(pending.changes.size() == 2U);
    // Taken back, nothing waits any more.
    view = replace(edited([](auto& spec) { spec.memory.size /= 2; }));
    BOOST_TEST(!view.runtime->pending);
    replace(edited([](auto& spec) { spec.memory.size *= 2; }));
    restart_daemon();
    BOOST_TEST(get("web").runtime->pending);
    destroy("web");
    view = start("web");
    BOOST_TEST(view.runtime->revision == 6);
    BOOST_TEST(!view.runtime->pending);
}

BOOST_AUTO_TEST_CASE(a_rollback_is_a_new_revision) {
    define("web");
    replace(edited([](auto& spec) { spec.title = "two"; }));
    service().rename(by_name("web"), {"www"}, tester, at_once());
    const auto view = service().rollback(by_name("www"), {1, 3}, tester, at_once());
    BOOST_TEST(view.revision == 4);
    const auto stored = service().definition(by_name("www"), {});
    BOOST_TEST(stored.spec.title.empty());
    BOOST_TEST(stored.spec.name == "www"); // the name is today's
    const auto list = service().revisions(by_name("www"), 100);
    BOOST_TEST(list.current == 4);
    BOOST_TEST(!list.running.has_value());
    BOOST_TEST((list.revisions.front().cause == Cause::rolled_back));
    BOOST_TEST(list.revisions.front().detail == "to revision 1");
    BOOST_TEST(list.revisions.front().actor == "tester");
    BOOST_TEST((code_of([&] {
                    service().rollback(by_name("www"), {9, {}}, tester, at_once());
                }) == ErrorCode::not_found));
    BOOST_TEST((code_of([&] {
                    service().rollback(by_name("www"), {2, 3}, tester, at_once());
                }) == ErrorCode::wrong_state));
}

BOOST_AUTO_TEST_CASE(an_edit_does_not_define_what_is_transient) {
    create("web");
    BOOST_TEST(!replace(edited([](auto& spec) { spec.title = "t"; })).persistent);
    BOOST_TEST(!service().rollback(by_name("web"), {1, {}}, tester, at_once()).persistent);
    auto request = edited([](auto&) {});
    request.cause = Cause::applied;
    BOOST_TEST(replace(request).persistent);
}

BOOST_AUTO_TEST_CASE(a_plan_says_what_would_become) {
    const auto plan = [&](const api::PartitionSpec& spec, const std::string& xml = "") {
        return service().plan({spec, xml});
    };
    auto spec = spec_of("web");
    spec.devices.nics.resize(1);
    BOOST_TEST((plan(spec).action == PlanAction::create));
    BOOST_TEST(!exists("web"));
    auto request = request_of("web", CreateMode::define);
    request.spec = spec;
    request.xml = "<a/>";
    service().create(request, tester, at_once());
    BOOST_TEST((plan(spec).action == PlanAction::none)); // its MAC address was generated
    BOOST_TEST((plan(spec, "<a/>").action == PlanAction::none));
    BOOST_TEST((plan(spec, "<b/>").action == PlanAction::update));
    spec.memory.size *= 2;
    auto found = plan(spec);
    BOOST_TEST((found.action == PlanAction::update));
    BOOST_REQUIRE(found.changes.size() == 1U);
    BOOST_TEST(found.changes[0].path == "/memory/size");
    BOOST_TEST(found.partition->revision == 1);
    spec.uuid = api::random_uuid();
    BOOST_TEST((plan(spec).action == PlanAction::recreate));
    define("db");
    spec.uuid = get("web").uuid;
    spec.name = "www";
    BOOST_TEST((plan(spec).action == PlanAction::update)); // a new name
    spec.name = "db";
    BOOST_TEST((code_of([&] { plan(spec); }) == ErrorCode::exists));
    spec.memory.size = 0;
    BOOST_TEST((code_of([&] { plan(spec); }).has_value()));
    BOOST_TEST(get("web").revision == 1);
}

BOOST_AUTO_TEST_CASE(another_partition_takes_the_name_in_one_step) {
    const auto old = define("web");
    auto request = request_of("web", CreateMode::define);
    request.spec.uuid = api::random_uuid();
    request.recreates = 7;
    const auto recreate = [&] {
        return code_of([&] { service().create(request, tester, at_once()); });
    };
    BOOST_TEST((recreate() == ErrorCode::wrong_state)); // not at that revision
    request.recreates = 1;
    start("web");
    BOOST_TEST((recreate() == ErrorCode::wrong_state));
    destroy("web");
    request.spec.memory.size = 1; // not valid
    BOOST_TEST((recreate() == ErrorCode::invalid));
    BOOST_TEST((get("web").uuid == old.uuid));
    request.spec.memory.size = 64UL << 20;
    BOOST_TEST(!recreate());
    BOOST_TEST((get("web").uuid == *request.spec.uuid));
    BOOST_TEST(get("web").id == old.id + 1);
    BOOST_TEST((removed() == std::vector<api::Uuid>{old.uuid}));
}

BOOST_AUTO_TEST_CASE(an_undefine_of_what_was_planned) {
    define("web");
    replace(edited([](auto& spec) { spec.title = "t"; }));
    BOOST_TEST((code_of([&] { service().undefine(by_name("web"), 1, tester, at_once()); }) ==
                ErrorCode::wrong_state));
    service().undefine(by_name("web"), 2, tester, at_once());
    BOOST_TEST(!exists("web"));
}

BOOST_AUTO_TEST_CASE(the_keeper_is_told_of_a_new_end_policy) {
    define("web");
    start("web");
    replace(edited([](auto& spec) { spec.title = "t"; }));
    BOOST_TEST(policies().empty());
    replace(edited([](auto& spec) { spec.on_reboot = api::OnEnd::destroy; }));
    BOOST_REQUIRE(policies().size() == 1U);
    BOOST_TEST((policies().back().on_reboot == api::OnEnd::destroy));
    // The daemon may have died between the two: the next one tells it again.
    restart_daemon();
    wait("web", State::running);
    BOOST_REQUIRE(policies().size() == 2U);
    BOOST_TEST((policies().back() == policies().front()));
}

BOOST_AUTO_TEST_CASE(a_definition_is_replaced_and_started_or_neither) {
    define("web");
    auto request = request_of("web", CreateMode::persistent);
    request.replace = true;
    request.spec.title = "new";
    Faults faults;
    faults.objection = "no";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { service().create(request, tester, at_once()); }).has_value()));
    BOOST_TEST(get("web").revision == 1);
    machine().set_faults({});
    const auto view = service().create(request, tester, at_once());
    BOOST_TEST((view.state == State::running));
    BOOST_TEST(view.revision == 2);
    BOOST_TEST(view.runtime->revision == 2);
    BOOST_TEST(view.title == "new");
    BOOST_TEST((code_of([&] { service().create(request, tester, at_once()); }) ==
                ErrorCode::wrong_state)); // it runs
}

BOOST_AUTO_TEST_CASE(a_command_is_planned_and_nothing_started) {
    define("web");
    BOOST_TEST(service().vmm_arguments(by_name("web")).argv.back() == "web");
    BOOST_TEST(service().vmm_arguments(spec_of("new")).argv.back() == "new");
    BOOST_TEST(!exists("new"));
    BOOST_TEST((get("web").state == State::shutoff));
    BOOST_TEST(machine().vmm_count() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
