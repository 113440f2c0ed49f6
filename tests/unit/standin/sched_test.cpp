// SPDX-License-Identifier: Apache-2.0
//
// Who runs on a logical processor where the hypervisor decides it: queue and turns, without a
// machine.
#include "tests/standin/sched/run_queue.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::standin {
namespace {

using Next = Turns::Next;

/// A processor by the minute: what its root does is said, its children always have something to do.
struct Processor {
    Turns turns;
    RunQueue queue;
    u64 root = 0;

    /// The root is busy, and gets an interrupt each so often; for so long. Returns what the root
    /// got.
    void run(u64 duration, u64 interrupt_period) {
        u64 now = 0;
        u64 interrupt = interrupt_period;
        while (now < duration) {
            if (turns.next(!queue.is_empty(), true) == Next::child) {
                Runnable& one = *queue.take();
                turns.begin_child();
                const u64 end = now + one.left < interrupt ? now + one.left : interrupt;
                had[&one == children ? 0 : 1] += end - now;
                if (turns.end_child(one.left, end - now)) {
                    queue.add_first(one);
                } else {
                    queue.add_last(one);
                }
                now = end;
            } else {
                root += turns.root_turn();
                now += turns.root_turn();
                turns.end();
            }
            while (interrupt <= now) {
                interrupt += interrupt_period;
            }
        }
    }

    Runnable children[2];
    u64 had[2] = {};
};

} // namespace

BOOST_AUTO_TEST_SUITE(standin_sched)

BOOST_AUTO_TEST_CASE(a_queue_keeps_the_order_and_takes_each_once) {
    RunQueue queue;
    Runnable a;
    Runnable b;
    Runnable c;
    BOOST_TEST(queue.is_empty());
    BOOST_TEST(queue.take() == nullptr);
    queue.add_last(a);
    queue.add_last(b);
    queue.add_last(a); // stays where it is
    queue.add_first(c);
    queue.add_first(b);
    BOOST_TEST(queue.take() == &c);
    BOOST_TEST(!c.queued);
    BOOST_TEST(queue.take() == &a);
    BOOST_TEST(queue.take() == &b);
    BOOST_TEST((queue.is_empty() && queue.take() == nullptr));
}

BOOST_AUTO_TEST_CASE(one_that_is_deleted_leaves_a_queue_wherever_it_stands) {
    RunQueue queue;
    Runnable all[3];
    for (Runnable& gone : all) {
        for (Runnable& one : all) {
            queue.add_last(one);
        }
        queue.remove(gone);
        queue.remove(gone);
        BOOST_TEST((!gone.queued && gone.next == nullptr));
        int left = 0;
        while (const Runnable* const one = queue.take()) {
            BOOST_TEST(one != &gone);
            ++left;
        }
        BOOST_TEST(left == 2);
    }
}

BOOST_AUTO_TEST_CASE(the_root_goes_on_until_its_turn_is_over_and_it_can_be_left) {
    Turns turns;
    BOOST_TEST((turns.next(true, true) == Next::root));
    BOOST_TEST(turns.root_turn() == Turns::longest);
    turns.end();
    BOOST_TEST((turns.next(false, true) == Next::root));
    BOOST_TEST((turns.next(true, false) == Next::root));
    BOOST_TEST(turns.root_turn() == Turns::shortest); // until it is asked again
    BOOST_TEST((turns.next(true, true) == Next::child));
    turns.begin_child();
    BOOST_TEST(!turns.is_over());
    BOOST_TEST((turns.next(true, true) == Next::root));
}

BOOST_AUTO_TEST_CASE(a_turn_that_ended_while_nobody_waited_is_not_kept_for_who_comes_later) {
    Turns turns;
    turns.end();
    turns.root_is_alone();
    BOOST_TEST((turns.next(true, true) == Next::root));
    BOOST_TEST(turns.root_turn() == Turns::longest);
}

BOOST_AUTO_TEST_CASE(a_root_that_has_halted_leaves_the_processor_to_the_children) {
    Turns turns;
    turns.halt_root();
    BOOST_TEST((turns.next(true, true) == Next::child));
    BOOST_TEST((turns.next(false, true) == Next::nobody));
    BOOST_TEST((turns.next(true, false) == Next::nobody)); // it has not ended an interrupt
    turns.wake_root();
    BOOST_TEST((turns.next(true, true) == Next::root));
}

BOOST_AUTO_TEST_CASE(a_turn_that_was_cut_short_goes_on_if_it_is_worth_it) {
    Turns turns;
    u64 left = Turns::longest;
    BOOST_TEST(turns.end_child(left, 10'000));
    BOOST_TEST(left == Turns::longest - 10'000);
    BOOST_TEST(turns.root_turn() == 10'000U); // no longer than the child's
    BOOST_TEST(turns.end_child(left, 100));
    BOOST_TEST(turns.root_turn() == Turns::shortest);
    left = Turns::shortest;
    BOOST_TEST(!turns.end_child(left, 1));
    BOOST_TEST(left == Turns::longest);
    BOOST_TEST(!turns.end_child(left, 10 * Turns::longest)); // it came late
    BOOST_TEST(left == Turns::longest);
    BOOST_TEST(turns.root_turn() == Turns::longest);
}

BOOST_AUTO_TEST_CASE(a_busy_root_and_its_children_have_a_half_each_whatever_interrupts) {
    constexpr u64 second = 10'000'000;
    for (const u64 period : {second, u64{40'000}, u64{10'000}}) {
        Processor processor;
        processor.queue.add_last(processor.children[0]);
        processor.queue.add_last(processor.children[1]);
        processor.run(10 * second, period);
        const u64 children = processor.had[0] + processor.had[1];
        const u64 all = children + processor.root;
        BOOST_TEST(processor.root > all * 4 / 10, period);
        BOOST_TEST(children > all * 3 / 10, period);
        BOOST_TEST(processor.had[0] > children * 4 / 10, period);
        BOOST_TEST(processor.had[1] > children * 4 / 10, period);
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::standin
