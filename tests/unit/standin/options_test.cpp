// SPDX-License-Identifier: Apache-2.0
//
// Words on the command line, and the faults that they ask for.
#include "tests/standin/options/options.hpp"
#include "tests/standin/tlfs/hint.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

namespace mshv::standin {
namespace {

/// The word that is wrong; empty when all are right.
std::string wrong_word(const std::string& words) {
    Options options;
    std::string_view wrong;
    return parse_options(words, options, wrong) ? "" : std::string(wrong);
}

Options options_of(const std::string& words) {
    Options options;
    std::string_view wrong;
    BOOST_TEST(parse_options(words, options, wrong), words);
    return options;
}

} // namespace

BOOST_AUTO_TEST_SUITE(standin_options)

BOOST_AUTO_TEST_CASE(words_are_taken_and_others_refused) {
    const Options none = options_of("");
    BOOST_TEST((!none.hide_hypervisor && !none.lab && !none.strict && none.hints == 0));
    BOOST_TEST((!none.schedules && options_of("sched=lp").schedules));
    const Options all = options_of("plain  strict lab hold-for-pci hints=flush,ipi,masks,apic,auto-eoi");
    BOOST_TEST((all.hide_hypervisor && all.hold_for_pci && all.lab && all.strict && all.automatic_eoi));
    BOOST_TEST(all.hints == (hint::remote_flush | hint::apic_registers | hint::cluster_ipi |
                             hint::processor_masks));
    for (const char* word :
         {"strictly", "plain=1", "hints", "hints=", "hints=flush,", "hints=nothing", "hints=,ipi",
          "sched", "sched=", "sched=root"}) {
        BOOST_TEST(wrong_word("lab " + std::string(word) + " strict") == word);
    }
}

BOOST_AUTO_TEST_CASE(the_words_of_faults_are_checked_to_the_last_letter) {
    for (const char* word :
         {"memory=1", "memory=3+", "memory=every", "memory=2:0x73", "memory=2+:0x75",
          "memory=every:0x83", "memory=1:11", "elements=1", "elements=4095", "status=0x48:5:1",
          "status=0x48:0x71:every:3", "status=72:0x0b:2+:0", "pending=0x8f00:every",
          "eom=ignore-once", "message=hold-once", "message=repeat-interrupt",
          "message=unknown-once"}) {
        BOOST_TEST(wrong_word(word).empty(), word);
    }
    for (const char* word :
         {"memory", "memory=", "memory=0", "memory=0+", "memory=+", "memory=1:", "memory=1:5",
          "memory=1:0x10b", "memory=1:0xb:", "memory=1:0xb:1", "memory=always", "memory=-1",
          "elements=0", "elements=4096", "elements=", "elements=1:2", "status=0x48",
          "status=0x48:5", "status=0x48:0:1", "status=0x48:0x79:1", "status=0x10000:5:1",
          "status=0x48:5:1:4096", "status=0x48:5:1:", "status=0x48:5:1:2:3", "status=:5:1",
          "pending=0x8f00", "pending=0x8f00:1:1", "pending=:1", "eom=ignore", "eom=",
          "message=hold", "message=", "message=unknown", "elements"}) {
        BOOST_TEST(wrong_word(word) == word);
    }
}

BOOST_AUTO_TEST_CASE(no_more_faults_of_calls_than_there_is_room_for) {
    std::string words;
    for (std::size_t i = 0; i < faults::Plan::most_calls; ++i) {
        words += "status=0x48:5:" + std::to_string(i + 1) + " ";
    }
    BOOST_TEST(wrong_word(words).empty());
    BOOST_TEST(wrong_word(words + "pending=0x48:1") == "pending=0x48:1");
}

BOOST_AUTO_TEST_CASE(a_fault_comes_at_its_occasions) {
    const auto due = [](const std::string& words) {
        Options options = options_of(words);
        std::string result;
        for (int i = 0; i < 5; ++i) {
            result += options.faults.memory.due() ? 'x' : '.';
        }
        return result;
    };
    BOOST_TEST(due("") == ".....");
    BOOST_TEST(due("memory=1") == "x....");
    BOOST_TEST(due("memory=3") == "..x..");
    BOOST_TEST(due("memory=3+") == "..xxx");
    BOOST_TEST(due("memory=every") == "xxxxx");
}

BOOST_AUTO_TEST_CASE(a_fault_is_of_the_call_that_it_names) {
    Options options = options_of("status=0x48:0x71:2:3 status=0x4e:5:every pending=0x45:1");
    faults::Plan& plan = options.faults;
    BOOST_TEST(plan.on_call(0x48) == nullptr);
    BOOST_TEST(plan.on_call(0x49) == nullptr);
    const faults::CallFault* second = plan.on_call(0x48);
    BOOST_REQUIRE(second != nullptr);
    BOOST_TEST(static_cast<u32>(second->status) == 0x71U);
    BOOST_TEST(second->elements == 3U);
    BOOST_TEST(plan.on_call(0x48) == nullptr);
    BOOST_TEST(plan.on_call(0x4E) != nullptr);
    BOOST_TEST(plan.on_call(0x4E) != nullptr);
    const faults::CallFault* pending = plan.on_call(0x45);
    BOOST_REQUIRE(pending != nullptr);
    BOOST_TEST((pending->status == Status::call_pending));
    BOOST_TEST(plan.on_call(0) == nullptr); // the places that are free are of no call
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin
